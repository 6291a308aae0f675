import Foundation
import Testing

/// The commands of `dhtnode` that ask one thing and end.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct OneShotTests {
        private let unknown = String(repeating: "0a", count: 20)

        private func run(_ lab: Lab, _ arguments: [String]) async throws -> Ending {
            try await lab.startProgram("dhtnode", arguments).end(within: 20)
        }

        @Test func pingFindAndPeersTellPeopleAndMachines() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(
                    nodes: 20, seeding: try lab.makeFile("seed.bin", byteCount: 100_000), in: lab)
                let entry = ["--bootstrap", network.bootstrap]

                let ping = try await run(lab, ["ping", network.bootstrap])
                #expect(ping.code == 0 && ping.output.hasPrefix(network.bootstrap + " answers in "), ping.comment)
                let pong = try #require(try await run(lab, ["ping", network.bootstrap, "--json"]).event("pong"))
                #expect(pong["client"]?.string == "MN" && pong["secure_id"]?.string == "exempt")
                let id = try #require(pong["id"]?.string)

                let find = try await run(lab, ["find", id] + entry)
                #expect(find.output.split(separator: "\n").first == "\(id) \(network.bootstrap)", find.comment)
                // A node that is late on a busy machine is left out.
                #expect((5...8).contains(find.output.split(separator: "\n").count), find.comment)
                let nodes = try #require(try await run(lab, ["find", id, "--json"] + entry).event("nodes"))
                #expect(nodes["nodes"]?.array?.first?["id"]?.string == id)

                let peers = try await run(lab, ["peers", network.magnet] + entry)
                #expect(peers.code == 0 && peers.output == network.seed + "\n", peers.comment)
            }
        }

        @Test func anAnnounceIsFoundByTheNextOne() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let entry = ["--bootstrap", network.bootstrap]
                let address = lab.address()
                let nobody = try await run(lab, ["peers", unknown] + entry)
                #expect(nobody.code == 4 && nobody.output.isEmpty, nobody.comment)
                let bound = ["--bind", address, "--announce", "4567", "--json"]
                let announce = try await run(lab, ["peers", unknown] + entry + bound)
                #expect(announce.code == 0, announce.comment)
                #expect((5...8).contains(try announce.event("peers")?["announced_to"]?.integer ?? 0), announce.comment)
                let found = try await run(lab, ["peers", unknown] + entry)
                #expect(found.code == 0 && found.output == "\(address):4567\n", found.comment)
            }
        }

        @Test func eachFailureHasItsCode() async throws {
            try await Lab.run { lab in
                let silent = lab.address() + ":9"
                let noNode = try await run(lab, ["find", unknown, "--bootstrap", silent, "--bootstrap-timeout", "0.5"])
                #expect(noNode.code == 3, noNode.comment)
                let nobody = try await run(lab, ["find", unknown, "--network", "private"])
                #expect(nobody.code == 3 && nobody.seconds < 15, nobody.comment)
                let noPong = try await run(lab, ["ping", silent, "--timeout", "0.5"])
                #expect(noPong.code == 4, noPong.comment)
                for arguments in [
                    ["find", "xyz"], ["peers", "xyz"], ["ping", "nowhere"], ["peers", unknown, "--announce", "0"],
                ] {
                    let usage = try await run(lab, arguments)
                    #expect(usage.code == 64 && usage.output.isEmpty, usage.comment)
                }
                let waiting = try lab.startProgram("dhtnode", ["find", unknown, "--bootstrap", silent])
                try await Task.sleep(for: .milliseconds(400))
                waiting.send(SIGINT)
                #expect(try await waiting.end(within: 5).code == 130)
            }
        }

        @Test func eachBoundAddressIsANodeThatAnswersForItself() async throws {
            try await Lab.run { lab in
                let addresses = [lab.address(), lab.address(), lab.address()]
                let binds = addresses.flatMap { ["--bind", $0] }
                let node = try lab.startProgram(
                    "dhtnode", ["run", "--network", "private", "--port", "7002", "--limits", "low"] + binds)
                try await node.wait(for: "its sockets", within: 10) { node.errors.contains("ready") ? true : nil }
                var ids: Set<String> = []
                for address in addresses {
                    // An answer from another address than was asked would not be taken for one.
                    let pong = try await run(lab, ["ping", address + ":7002", "--json"])
                    #expect(pong.code == 0, pong.comment)
                    if let id = try pong.event("pong")?["id"]?.string { ids.insert(id) }
                }
                #expect(ids.count == addresses.count)
                node.send(SIGTERM)
                let end = try await node.end(within: 5)
                #expect(end.code == 0 && end.errors.contains("limits low: "), end.comment)
                let refused = try await run(lab, ["run", "--limits", "none"])
                #expect(refused.code == 64 && refused.errors.contains("'high' or 'off'"), refused.comment)
            }
        }
    }
}
