import Testing

/// Liars among real seeders; Tools/Interop/poisoned_swarm.py has more orders of arrival.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct PoisonedSwarmTests {
        /// Seed 1 has those who lie about the metadata there first and alone, seed 2 mixes all.
        @Test func aMagnetIsFetchedAndLiarsAreBanned() async throws {
            try await Lab.run { lab in
                let script = try lab.startScript("poisoned_swarm", ["--seeds", "1,2", "--timeout", "200"])
                let run = try await script.end(within: 110)
                #expect(run.code == 0, run.comment)
                let swarms = try run.events()
                #expect(swarms.count == 2, run.comment)
                #expect(swarms.allSatisfy { $0["breaches"] == .array([]) }, run.comment)
                let banned = swarms.first?["banned"]?.array?.compactMap(\.string) ?? []
                #expect(Set(["wrong-bytes", "wrong-size"]).isSubset(of: banned), run.comment)
            }
        }
    }
}
