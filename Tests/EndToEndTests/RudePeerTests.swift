import Testing

/// Hostile peers beside honest ones; Tools/Interop/attacks.py has many more, at greater strength.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.mayMakeNetworks, Comment(rawValue: Machine.networkReason)),
        .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct RudePeerTests {
        /// Silent metadata peers and callers, idle leechers, fake seeds, idle named peers, cancels, dropped requests.
        ///
        /// Each with three times the bounds that `attacks.py` has by default, since other tests run at the same time.
        @Test func anHonestPeerGetsItsShareBesideEachAttack() async throws {
            try await Lab.run { lab in
                let rows = ["A1", "A4", "A5", "D1", "P1", "U1", "U3"]
                let words = rows + ["--strength", "1", "--hosts", "one", "--bounds", "3"]
                let run = try await lab.startScript("attacks", words).end(within: 280)
                #expect(run.code == 0, run.comment)
                #expect(run.output.contains("every bound kept"), run.comment)
            }
        }
    }
}
