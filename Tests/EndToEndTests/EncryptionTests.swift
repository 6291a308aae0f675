import Testing

/// Encrypted connections to and from libtorrent, which is made to insist on them.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct EncryptionTests {
        /// What libtorrent insists on, what we do, and whether that goes together.
        private static let pairs: [(theirs: String, ours: String, meets: Bool)] = [
            ("rc4", "prefer", true), ("rc4", "require", true), ("rc4", "off", false),
            ("plaintext", "prefer", true), ("plaintext", "require", false),
            ("default", "require", true), ("off", "prefer", true), ("off", "require", false),
        ]

        @Test(arguments: pairs)
        func weFetchFromLibtorrent(pair: (theirs: String, ours: String, meets: Bool)) async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/file.bin", byteCount: 3_000_000)
                let seeder = try lab.startRig(
                    "seeder", ["--file", source, "--address", lab.address(), "--encryption", pair.theirs])
                let ready = try await seeder.wait(for: "ready")
                let magnet = (ready["magnet"]?.string ?? "") + "&x.pe=" + (ready["endpoint"]?.string ?? "")
                let run = try await lab.magnetget([
                    magnet, "--no-dht", "--network", "private", "--encryption", pair.ours, "-o", lab.path("new"),
                    "--timeout", pair.meets ? "180" : "3",
                ])
                #expect((run.code == 0) == pair.meets, run.comment)
                if pair.meets { #expect(areEqual(source, lab.path("new/file.bin"))) }
            }
        }

        @Test(arguments: [("rc4", "prefer"), ("rc4", "require"), ("plaintext", "prefer"), ("off", "prefer")])
        func libtorrentFetchesFromUs(pair: (theirs: String, ours: String)) async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/file.bin", byteCount: 3_000_000)
                let file = lab.path("file.torrent")
                let maker = try lab.startRig(
                    "seeder", ["--file", source, "--address", lab.address(), "--save-torrent", file])
                let magnet = try await maker.wait(for: "ready")["magnet"]?.string ?? ""
                maker.kill()
                let seed = try lab.startMagnetget([
                    file, "--seed", "--no-dht", "--network", "private", "--encryption", pair.ours, "-v", "-o",
                    lab.path("seed"),
                ])
                let endpoint = try await seed.wait(for: "where it listens", within: 10) {
                    seed.errors.split(separator: "\n").first { $0.contains("listening on ") }
                        .map { String($0.split(separator: " ").last ?? "") }
                }
                let downloader = try lab.startRig(
                    "downloader",
                    [
                        magnet, "--output", try lab.makeFolder("theirs"), "--address", lab.address(), "--peer",
                        endpoint, "--encryption", pair.theirs,
                    ])
                _ = try await downloader.wait(for: "completed", within: 30)
                #expect(areEqual(source, lab.path("theirs/file.bin")))
            }
        }
    }
}
