import Foundation
import Testing

/// Our nodes and libtorrent's on ::1, where all share one address.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct IPv6Tests {
        private let theirs = String(repeating: "1a", count: 20)
        private let ours = String(repeating: "2b", count: 20)

        @Test func nodesAndPeersAreFoundBothWays() async throws {
            try await Lab.run { lab in
                let network = try await LibtorrentNetwork(in: lab, ["--ipv6"])
                let entry = ["--bootstrap", network.bootstrap, "--bind", "::1", "--json"]
                let node = try lab.startProgram("dhtnode", ["run", "--port", "0"] + entry)
                let ready = try await node.wait(for: "ready")
                let endpoint = try #require(ready["listen"]?.array?.first?.string)

                let find = try await lab.startProgram("dhtnode", ["find", theirs] + entry).end(within: 30)
                let nodes = try #require(try find.event("nodes")?["nodes"]?.array, find.comment)
                // A node that is late on a busy machine is left out.
                #expect((5...8).contains(nodes.count), find.comment)
                #expect(nodes.allSatisfy { $0["endpoint"]?.string?.hasPrefix("[::1]:") == true }, find.comment)

                try await network.announce(theirs, port: 7777)
                let found = try await lab.startProgram("dhtnode", ["peers", theirs] + entry).end(within: 30)
                #expect(try found.event("peer")?["peer"]?.string == "[::1]:7777", found.comment)

                let announce = try await lab.startProgram("dhtnode", ["peers", ours, "--announce", "8888"] + entry)
                    .end(within: 30)
                #expect(announce.code == 0, announce.comment)
                let peers = try await network.peers(of: ours)
                #expect(peers == ["[::1]:8888"])

                try await node.wait(for: "most nodes to hold it as good", within: 60) {
                    let count = try await network.nodesThatTrust(endpoint)
                    return count > LibtorrentNetwork.nodeCount / 2 ? true : nil
                }
                node.send(SIGTERM)
                #expect(try await node.end(within: 10).code == 0)
            }
        }
    }
}
