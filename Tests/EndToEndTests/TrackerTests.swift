import Testing

/// Peers from trackers alone: the real opentracker between libtorrent and us.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
        .enabled(if: Machine.opentracker != nil, "no opentracker: Bootstrap/setup test unpacks it"),
        .timeLimit(.minutes(20)))
    struct TrackerTests {
        @Test(arguments: ["http", "udp"])
        func aMagnetOfATrackerIsFetchedFromLibtorrent(scheme: String) async throws {
            try await Lab.run { lab in
                let (source, tracker) = try await Self.trackedFile(in: lab)
                let seeder = try await Self.seed(source, at: tracker, scheme, in: lab)
                let url = "\(scheme)%3A%2F%2F\(tracker.endpoint)%2Fannounce"
                let magnet = "magnet:?xt=urn:btih:\(tracker.infoHash)&tr=\(url)"
                let target = try lab.makeFolder("download")
                let run = try await lab.magnetget([magnet, "--no-dht", "--network", "private", "--json", "-o", target])
                #expect(run.code == 0, run.comment)
                #expect(areEqual(source, target + "/file.bin"))
                let found = try run.events().first { $0.event == "peer_found" && $0["source"]?.string == "tracker" }
                #expect(found?["peer"]?.string == seeder, run.comment)
                let answer = try run.events().first { $0.event == "tracker" }
                #expect(answer?["status"]?.string == "answered", run.comment)
            }
        }

        @Test func aPrivateTorrentUsesItsTrackerOnly() async throws {
            try await Lab.run { lab in
                let (source, tracker) = try await Self.trackedFile(in: lab, ["--private"])
                let file = lab.path("file.torrent")
                _ = try await Self.seed(
                    source, at: tracker, "http", in: lab, ["--private", "--save-torrent", file])
                let run = try await lab.magnetget([file, "--network", "private", "--json", "-o", lab.folder + "/new"])
                #expect(run.code == 0, run.comment)
                #expect(try run.events().allSatisfy { $0.event != "lookup_started" }, run.comment)
                #expect(areEqual(source, lab.folder + "/new/file.bin"))
            }
        }

        @Test func libtorrentFindsUsAtTheTracker() async throws {
            try await Lab.run { lab in
                let (source, tracker) = try await Self.trackedFile(in: lab)
                let file = lab.path("file.torrent")
                let maker = try lab.startRig(
                    "seeder",
                    [
                        "--file", source, "--address", lab.address(), "--save-torrent", file, "--tracker",
                        tracker.url("udp"),
                    ])
                _ = try await maker.wait(for: "ready")
                maker.kill()
                let seed = try lab.startMagnetget([
                    file, "--seed", "--no-dht", "--network", "private", "--json", "-o", lab.path("seed"),
                ])
                _ = try await seed.wait(for: "tracker", within: 20)
                let magnet = "magnet:?xt=urn:btih:\(tracker.infoHash)&tr=\(tracker.url("http"))"
                let downloader = try lab.startRig(
                    "downloader", [magnet, "--output", try lab.makeFolder("theirs"), "--address", lab.address()])
                _ = try await downloader.wait(for: "completed", within: 40)
                #expect(areEqual(source, lab.path("theirs/file.bin")))
            }
        }

        @Test func aTrackerThatDoesNotKnowTheTorrentIsNamedInTheVerdict() async throws {
            try await Lab.run { lab in
                let tracker = try await Opentracker(of: String(repeating: "ab", count: 20), in: lab)
                let magnet = "magnet:?xt=urn:btih:\(String(repeating: "cd", count: 20))&tr=\(tracker.url("http"))"
                let run = try await lab.magnetget([
                    magnet, "--no-dht", "--network", "private", "--peers-timeout", "6",
                ])
                #expect(run.code == 4, run.comment)
                #expect(run.errors.contains("0 of 1 tracker answered"), run.comment)
                #expect(run.errors.contains("not authorized"), run.comment)
            }
        }

        /// A file, and a tracker that serves its torrent and no other.
        private static func trackedFile(
            in lab: Lab, _ options: [String] = []
        ) async throws -> (source: String, tracker: Opentracker) {
            let source = try lab.makeFile("seed/file.bin", byteCount: 3_000_000)
            let maker = try lab.startRig("seeder", ["--file", source, "--address", lab.address()] + options)
            let infoHash = try await maker.wait(for: "ready")["info_hash"]?.string ?? ""
            maker.kill()
            return (source, try await Opentracker(of: infoHash, in: lab))
        }

        /// Seeds with libtorrent and returns its endpoint.
        private static func seed(
            _ source: String, at tracker: Opentracker, _ scheme: String, in lab: Lab, _ options: [String] = []
        ) async throws -> String {
            let seeder = try lab.startRig(
                "seeder",
                ["--file", source, "--address", lab.address(), "--tracker", tracker.url(scheme)] + options)
            return try await seeder.wait(for: "ready")["endpoint"]?.string ?? ""
        }
    }
}
