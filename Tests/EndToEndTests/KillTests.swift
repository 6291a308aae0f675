import Testing

/// SIGKILL in the middle of downloads; Tools/Interop/kill_resume.py has the hundred of them.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct KillTests {
        /// This seed draws the moments 0.14, 0.25, 7.49, 1.69 and 2.39 s; pieces are on record after five seconds.
        ///
        /// On a machine so busy that none are, more kills follow.
        @Test func noRecordedPieceIsWrongOrFetchedAgain() async throws {
            try await Lab.run { lab in
                let script = try lab.startScript(
                    "kill_resume",
                    ["--kills", "5", "--seed", "5", "--latest", "8", "--rate", "2000000", "--until-recorded"])
                let run = try await script.end(within: 100)
                #expect(run.code == 0, run.comment)
                let summary = try #require(try run.event("summary"), run.comment)
                #expect(summary["kills"]?.integer ?? 0 >= 5, run.comment)
                #expect(summary["breaches"]?.integer == 0, run.comment)
                #expect(summary["downloads"]?.integer ?? 0 > 0, run.comment)
                #expect(summary["on_record_at_a_start"]?.integer ?? 0 > 0, run.comment)
            }
        }
    }
}
