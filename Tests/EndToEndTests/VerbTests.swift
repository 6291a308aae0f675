import Foundation
import Testing

/// Every verb that libtorrent has as well, both ways.
///
/// The other side is gone when what it left is asked for, so nobody is answered by his like.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct VerbTests {
        /// libtorrent holds whoever stored something for a live node, `ro` or not, and its lookups wait 15 s for each
        /// that is gone.
        private static let patience = 40.0
        /// Test 1 of RFC 8032.
        private static let secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
        private static let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        private let seeded = String(repeating: "3c", count: 20)

        private func options(_ isIPv6: Bool, _ lab: Lab) -> [String] {
            ["--bind", isIPv6 ? "::1" : lab.address(), "--json"]
        }

        @Test(arguments: [false, true]) func libtorrentKeepsWhatWePut(isIPv6: Bool) async throws {
            try await Lab.run { lab in
                let network = try await LibtorrentNetwork(in: lab, isIPv6 ? ["--ipv6"] : [])
                let entry = ["--bootstrap", network.bootstrap] + options(isIPv6, lab)
                let keyFile = lab.path("key")

                // At one address libtorrent announces to few of its nodes.
                let takers = isIPv6 ? 1 : 7
                network.rig.write("announce_seed \(seeded) 7777")
                try await network.rig.wait(for: "the announce to be taken", within: 20) {
                    try network.rig.events().count { $0.event == "announce_received" } >= takers ? true : nil
                }
                let scrape = try await lab.startProgram("dhtnode", ["scrape", seeded] + entry).end(within: 30)
                let counts = try #require(try scrape.event("scrape"), scrape.comment)
                #expect(counts["nodes"]?.integer ?? 0 >= takers)
                #expect(abs((counts["seeds"]?.number ?? 0) - 1) < 0.1 && counts["peers"]?.number == 0)
                let sample = try await lab.startProgram("dhtnode", ["sample"] + entry).end(within: 30)
                #expect(try sample.event("samples")?["info_hashes"]?.integer == 1, sample.comment)
                let givers = try sample.events().filter { $0.event == "sample" }
                #expect(givers.contains { $0["info_hashes"]?.array?.first?.string == seeded })

                let put = try await lab.startProgram("dhtnode", ["put", "Hello World!"] + entry).end(within: 30)
                let stored = try #require(try put.event("stored"), put.comment)
                #expect(stored["target"]?.string == "e5f96f6f38320f0f33959cb4d3d656452117aadb")
                // A node that is late on a busy machine is left out.
                #expect(stored["stored_with"]?.integer ?? 0 > LibtorrentNetwork.nodeCount / 2, put.comment)
                let got = try await network.rig.ask(
                    "get \(stored["target"]?.string ?? "")", for: "item", within: Self.patience)
                #expect(got["value"]?.string == hex("Hello World!"))

                var key = ""
                for version in 1...2 {
                    let arguments = ["put", "version \(version)", "--key", keyFile, "--salt", "s"]
                    let put = try await lab.startProgram("dhtnode", arguments + entry).end(within: 30)
                    let stored = try #require(try put.event("stored"), put.comment)
                    #expect(stored["seq"]?.integer == version && stored["stored_with"]?.integer ?? 0 > 0)
                    key = stored["key"]?.string ?? ""
                }
                let newest = try await network.rig.ask("get_of \(key) \(hex("s"))", for: "item", within: Self.patience)
                #expect(newest["value"]?.string == hex("version 2") && newest["seq"]?.integer == 2)
                // Too many queries from one address, and libtorrent is silent for a while.
                guard !isIPv6 else { return }
                let old = ["put", "older", "--key", keyFile, "--salt", "s", "--seq", "1"]
                #expect(try await lab.startProgram("dhtnode", old + entry).end(within: 30).code == 4)
            }
        }

        @Test(arguments: [false, true]) func weKeepWhatLibtorrentPuts(isIPv6: Bool) async throws {
            try await Lab.run { lab in
                let network = try await LibtorrentNetwork(in: lab, ["--nodes", "4"] + (isIPv6 ? ["--ipv6"] : []))
                let bind = options(isIPv6, lab)
                let node = try lab.startProgram(
                    "dhtnode", ["run", "--port", "0", "--no-state", "--bootstrap", network.bootstrap] + bind)
                let endpoint = try #require(try await node.wait(for: "ready")["listen"]?.array?.first?.string)
                try await node.wait(for: "all nodes to hold it as good", within: 60) {
                    try await network.nodesThatTrust(endpoint) == 4 ? true : nil
                }

                // At one address it announces to few nodes, and not always to ours.
                if !isIPv6 {
                    network.rig.write("announce \(seeded) 7777")
                    try await node.wait(for: "a sample of ours", within: 20) {
                        let sample = try await network.rig.ask("sample \(endpoint)", for: "samples", within: 30)
                        return sample["samples"]?.array?.first?.string == seeded ? true : nil
                    }
                }
                let immutable = try await network.rig.ask("put \(hex("of theirs"))", for: "put", within: Self.patience)
                let target = try #require(immutable["target"]?.string)
                for version in 1...2 {
                    let put = "put_as \(Self.secret) \(Self.key) \(hex("theirs \(version)"))"
                    let stored = try await network.rig.ask(put, for: "put", within: Self.patience)
                    #expect(stored["stored_with"]?.integer ?? 0 > 0)
                }

                network.rig.write("stop")
                _ = try await network.rig.end(within: 20)
                let entry = ["--bootstrap", endpoint] + bind
                let got = try await lab.startProgram("dhtnode", ["get", target] + entry).end(within: 30)
                #expect(try got.event("item")?["text"]?.string == "of theirs", got.comment)
                let newest = try await lab.startProgram("dhtnode", ["get", Self.key] + entry).end(within: 30)
                #expect(try newest.event("item")?["text"]?.string == "theirs 2", newest.comment)
                let peers = try await lab.startProgram("dhtnode", ["peers", seeded] + entry).end(within: 30)
                #expect(peers.code == 0 || isIPv6, peers.comment)
                node.send(SIGTERM)
                #expect(try await node.end(within: 10).code == 0)
            }
        }

        private func hex(_ text: String) -> String { text.utf8.map { String(format: "%02x", $0) }.joined() }
    }
}
