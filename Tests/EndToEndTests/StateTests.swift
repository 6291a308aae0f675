import Foundation
import Testing

/// A node that is stopped, and goes on where it was.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct StateTests {
        /// Runs a node in a testnet until it knows others, and ends it by this signal.
        private func visit(_ network: Testnet, _ lab: Lab, state: String, endingBy signal: CInt = SIGTERM) async throws
        {
            let node = try lab.startProgram(
                "dhtnode", ["run", "--port", "0", "--bootstrap", network.bootstrap, "--state", state, "--ipv4"])
            try await node.wait(for: "the node to join", within: 20) {
                node.errors.contains("joined the DHT") ? true : nil
            }
            node.send(signal)
            let run = try await node.end(within: 10)
            #expect(run.code == (signal == SIGTERM ? 0 : 137), run.comment)
        }

        @Test func aRestartedNodeFindsPeersWithoutABootstrapNode() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(
                    nodes: 20, seeding: try lab.makeFile("seed.bin", byteCount: 100_000), in: lab)
                let state = lab.path("state")
                try await visit(network, lab, state: state)
                let peers = try await lab.startProgram(
                    "dhtnode", ["peers", network.magnet, "--network", "private", "--state", state, "--json"]
                ).end(within: 20)
                #expect(peers.code == 0, peers.comment)
                let report = try #require(try peers.event("peers"), peers.comment)
                #expect(report["first_peer"]?.number != nil, peers.comment)
                network.process.send(SIGTERM)
            }
        }

        @Test func aKilledNodeLeavesTheStateOfBeforeAndNoLock() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let state = lab.path("state")
                try await visit(network, lab, state: state)
                let before = try Data(contentsOf: URL(filePath: state + "/node.state"))
                #expect(before.count > 200)
                try await visit(network, lab, state: state, endingBy: SIGKILL)
                #expect(try Data(contentsOf: URL(filePath: state + "/node.state")) == before)
                let found = try await find(lab, ["--network", "private", "--state", state])
                #expect(found.code == 0, found.comment)
                #expect(!found.errors.contains("another program"), found.comment)
            }
        }

        @Test func aBrokenFileIsOneWarningAndAColdStart() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 5, seeding: nil, in: lab)
                let state = try lab.makeFolder("state")
                try Data("garbage".utf8).write(to: URL(filePath: state + "/node.state"))
                let found = try await find(lab, ["--bootstrap", network.bootstrap, "--state", state])
                #expect(found.code == 0, found.comment)
                #expect(found.errors.components(separatedBy: "is no state").count == 2, found.comment)
                #expect(try Data(contentsOf: URL(filePath: state + "/node.state.broken")) == Data("garbage".utf8))
                let again = try await find(lab, ["--network", "private", "--state", state])
                #expect(again.code == 0 && !again.errors.contains("is no state"), again.comment)
            }
        }

        @Test func aSecondProcessReadsTheTableAndTakesAnIDOfItsOwn() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let state = lab.path("state")
                try await visit(network, lab, state: state)
                let before = try Data(contentsOf: URL(filePath: state + "/node.state"))
                let address = lab.address()
                let first = try lab.startProgram(
                    "dhtnode",
                    ["run", "--bind", address, "--bootstrap", network.bootstrap, "--state", state, "--port", "7001"])
                try await first.wait(for: "its sockets", within: 10) { first.errors.contains("ready") ? true : nil }
                let second = try await find(lab, ["--network", "private", "--state", state, "-v"])
                #expect(second.code == 0, second.comment)
                #expect(second.errors.contains("another program uses the state"), second.comment)
                #expect(try Data(contentsOf: URL(filePath: state + "/node.state")) == before)
                let pong = try await lab.startProgram("dhtnode", ["ping", address + ":7001", "--json"]).end(within: 10)
                let id = try #require(try pong.event("pong")?["id"]?.string, pong.comment)
                #expect(before.range(of: Data(hex: id)) != nil, "the first one has the saved id")
            }
        }

        @Test func aFolderThatCannotBeUsedIs7() async throws {
            try await Lab.run { lab in
                let file = try lab.makeFile("file", byteCount: 1)
                let run = try await find(lab, ["--bootstrap", "127.0.0.1:9", "--state", file + "/below"])
                #expect(run.code == 7, run.comment)
                #expect(run.errors.contains("--no-state"), run.comment)
            }
        }

        private func find(_ lab: Lab, _ arguments: [String]) async throws -> Ending {
            let id = String(repeating: "5a", count: 20)
            return try await lab.startProgram("dhtnode", ["find", id] + arguments).end(within: 20)
        }
    }
}

extension Data {
    fileprivate init(hex: String) {
        let digits = Array(hex)
        self.init(stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) })
    }
}
