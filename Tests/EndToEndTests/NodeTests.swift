import Glibc
import Testing

/// What libtorrent's nodes think of ours.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct NodeTests {
        @Test func libtorrentNodesHoldOurNodeAsGood() async throws {
            try await Lab.run { lab in
                let network = try await LibtorrentNetwork(in: lab)
                let endpoint = lab.address() + ":6881"
                let address = endpoint.prefix { $0 != ":" }
                let node = try lab.startProgram(
                    "dhtnode", ["run", "--bind", String(address), "--bootstrap", network.bootstrap])
                // libtorrent asks a newcomer in its own time, one of its table every few seconds.
                try await node.wait(for: "most nodes to hold it as good", within: 60) {
                    let count = try await network.nodesThatTrust(endpoint)
                    return count > LibtorrentNetwork.nodeCount / 2 ? true : nil
                }
                node.send(SIGTERM)
                let run = try await node.end(within: 10)
                #expect(run.code == 0, run.comment)
            }
        }

        @Test func ourAnnounceReachesThem() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 8 << 20)
                let network = try await LibtorrentNetwork(in: lab)
                // Slow, so that the download is still there to be found.
                let seeder = try await LibtorrentSeeder(source, among: network, in: lab, ["--upload-limit", "200000"])
                let address = lab.address()
                let download = try lab.startMagnetget([
                    seeder.magnet, "--bootstrap", network.bootstrap, "-o", lab.folder, "--bind", address, "--port",
                    "7001",
                ])
                let announce = try await network.rig.wait(for: "our announce_peer", within: 15) {
                    try network.rig.events().first {
                        $0.event == "announce_received" && $0["peer"]?.string == address + ":7001"
                    }
                }
                #expect(announce["info_hash"]?.string == seeder.infoHash)
                let peers = try await network.peers(of: seeder.infoHash)
                #expect(peers.contains(address + ":7001"), "a stranger finds \(peers)")
                #expect(download.isRunning)
            }
        }
    }
}
