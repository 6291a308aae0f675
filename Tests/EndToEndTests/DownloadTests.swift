import Testing

/// A magnet with nothing but the infohash, found in a DHT of libtorrent nodes, fetched from libtorrent as it is.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct DownloadTests {
        @Test func aSingleFileArrivesByteForByte() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/big file.bin", byteCount: 64 << 20 | 12_345)
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(source, among: network, in: lab)
                #expect(seeder.magnet == "magnet:?xt=urn:btih:\(seeder.infoHash)")

                let target = try lab.makeFolder("download")
                let run = try await lab.magnetget([seeder.magnet, "--bootstrap", network.bootstrap, "-o", target])
                #expect(run.code == 0, run.comment)
                #expect(run.output == "\(target)/big file.bin\n", "only the path of the result, \(run)")
                #expect(areEqual(source, target + "/big file.bin"))
            }
        }

        @Test func aTreeOfFilesArrivesByteForByte() async throws {
            let sizes = [
                "tree/one byte": 1, "tree/empty": 0, "tree/a/block": 16_384, "tree/a/b/odd.bin": 5_000_001,
                "tree/a/b/piece": 262_144, "tree/ünïcode/日本.txt": 300_000, "tree/z": 77,
            ]
            try await Lab.run { lab in
                for (name, size) in sizes { _ = try lab.makeFile("seed/" + name, byteCount: size) }
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(
                    lab.path("seed/tree"), among: network, in: lab, ["--piece-length", "65536"])

                let run = try await lab.magnetget([
                    seeder.magnet, "--bootstrap", network.bootstrap, "-o", lab.path("new/download"),
                ])
                #expect(run.code == 0, run.comment)
                #expect(run.output == lab.path("new/download/tree\n"), run.comment)
                #expect(files(below: lab.path("new/download/tree")) == files(below: lab.path("seed/tree")))
                for name in sizes.keys {
                    #expect(areEqual(lab.path("seed/" + name), lab.path("new/download/" + name)), "\(name)")
                }
            }
        }

        @Test func eventsTellTheJourneyInOrder() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 3_000_000)
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(source, among: network, in: lab)

                // A bare infohash is a magnet, too.
                let run = try await lab.magnetget([
                    seeder.infoHash, "--json", "--bootstrap", network.bootstrap, "-o", lab.folder,
                ])
                #expect(run.code == 0, run.comment)
                let events = try run.events()
                #expect(events.allSatisfy { $0["schema"]?.integer == 1 && $0["info_hash"]?.string == seeder.infoHash })
                let journey = ["lookup_started", "peer_found", "metadata", "file_completed", "completed"]
                let order = journey.compactMap { kind in events.firstIndex { $0.event == kind } }
                #expect(order.count == journey.count && order == order.sorted(), run.comment)
                #expect(events.contains { $0["peer"]?.string == seeder.endpoint }, run.comment)
                let metadata = events.first { $0.event == "metadata" }
                #expect(metadata?["size"]?.integer == 3_000_000)
                #expect(metadata?["name"]?.string == "payload.bin")
                try expectAscendingTimings(of: run)
            }
        }

        private func expectAscendingTimings(of run: Ending) throws {
            let completed = try #require(try run.event("completed"), run.comment)
            #expect(completed["downloaded_bytes"]?.integer == 3_000_000)
            let names = ["first_node", "first_peer", "first_connection", "metadata", "first_piece", "complete"]
            let times = names.compactMap { completed["timings"]?[$0]?.number }
            #expect(times.count == names.count && times == times.sorted(), run.comment)
        }
    }
}
