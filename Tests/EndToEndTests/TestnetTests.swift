import Foundation
import Testing

/// `dhtnode testnet`: a network of our own nodes alone, one of which seeds.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct TestnetTests {
        @Test func theNodesOfATorrentLeadIntoTheDHT() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 5, seeding: nil, in: lab)
                let place = network.bootstrap.split(separator: ":").map(String.init)
                let node = "l\(place[0].utf8.count):\(place[0])i\(place[1])ee"
                let hash = String(repeating: "h", count: 20)
                let info = "d6:lengthi16384e4:name4:none12:piece lengthi16384e6:pieces20:\(hash)e"
                let path = lab.path("a.torrent")
                try Data("d4:info\(info)5:nodesl\(node)ee".utf8).write(to: URL(filePath: path))
                let limits = ["--bootstrap-timeout", "5", "--peers-timeout", "1"]
                let run = try await lab.magnetget(
                    [path, "--network", "private", "-o", lab.path("download")] + limits, within: 15)
                // 3 would say that no node was reached; nobody has what does not exist.
                #expect(run.code == 4, run.comment)
            }
        }

        @Test func magnetgetFetchesFromTheSeeder() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 20_000_001)
                let network = try await Testnet(nodes: 20, seeding: source, in: lab)
                let target = try lab.makeFolder("download")
                let run = try await lab.magnetget([network.magnet, "--bootstrap", network.bootstrap, "-o", target])
                #expect(run.code == 0, run.comment)
                #expect(run.output == target + "/payload.bin\n", run.comment)
                #expect(areEqual(source, target + "/payload.bin"))
                try await network.stop(uploadedAtLeast: 20_000_001)
            }
        }

        @Test func aNetworkWithoutASeederStopsCleanly() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 4, seeding: nil, in: lab)
                #expect(network.magnet.isEmpty)
                try await network.stop(uploadedAtLeast: 0)
            }
        }

        /// libtorrent tries uTP first: a node that stays silent on uTP costs it 15 s.
        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func libtorrentFetchesThroughOurNodesWithoutLosingTimeToUTP() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 16 << 20)
                let network = try await Testnet(nodes: 20, seeding: source, in: lab)
                let target = try lab.makeFolder("download")
                let downloader = try lab.startRig(
                    "downloader",
                    [network.magnet, "--bootstrap", network.bootstrap, "--address", lab.address(), "-o", target])
                let completed = try await downloader.wait(for: "completed", within: 40)
                // From the first peer to its first message, which is where the 15 s go.
                let found = completed["first_peer_seconds"]?.number ?? -.infinity
                let connected = completed["metadata_seconds"]?.number ?? .infinity
                #expect(connected - found < 14, "\(completed)")
                #expect(areEqual(source, target + "/payload.bin"))
                try await network.stop(uploadedAtLeast: 16 << 20)
            }
        }
    }
}

/// A running `dhtnode testnet`.
struct Testnet {
    let process: Child
    let bootstrap: String
    /// Empty without a seeder.
    let magnet: String
    /// Where the seeder is; empty without one.
    let seed: String

    init(nodes: Int, seeding path: String?, in lab: Lab) async throws {
        let seed = path.map { ["--seed-file", $0] } ?? []
        process = try lab.startProgram("dhtnode", ["testnet", "--nodes", String(nodes)] + seed)
        let ready = try await process.wait(for: "ready")
        bootstrap = ready["bootstrap"]?.string ?? ""
        magnet = ready["magnet"]?.string ?? ""
        self.seed = ready["seed"]?.string ?? ""
    }

    /// SIGTERM, and what it says at the end.
    func stop(uploadedAtLeast bytes: Int) async throws {
        process.send(SIGTERM)
        let run = try await process.end(within: 10)
        #expect(run.code == 0, run.comment)
        let stopped = try #require(try run.event("stopped"), run.comment)
        #expect(stopped["uploaded_bytes"]?.integer ?? -1 >= bytes, run.comment)
    }
}
