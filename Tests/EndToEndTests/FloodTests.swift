import Glibc
import Testing

/// A short flood at the node's own pace; Tools/Benchmarks/flood.py has the long one, at a pace of its own.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct FloodTests {
        private static let target = [UInt8](repeating: 0x5A, count: 20)

        private static let rounds = 200
        /// As many as fit into the socket's buffer beside the query, at the 208 KiB that Linux gives by default.
        private static let brokenPerRound = 100

        /// Broken packets from eight addresses, and behind each hundred of them a proper query from another address.
        ///
        /// The next hundred waits for the answer, so no packet is lost on the way, however busy the machine is.
        @Test func whoAsksProperlyIsAnsweredMeanwhile() async throws {
            try await Lab.run { lab in
                let arguments = ["--port", "0", "--network", "private", "--limits", "off", "--no-state", "--json"]
                let node = try lab.startProgram("dhtnode", ["run", "--bind", lab.address()] + arguments)
                let ready = try await node.wait(for: "ready")
                let endpoint = try #require(ready["listen"]?.array?.first?.string)
                let attackers = try (0..<8).map { _ in try UDPSocket(from: lab.address(), to: endpoint) }
                let askers = try (0..<8).map { _ in try UDPSocket(from: lab.address(), to: endpoint) }
                for round in 0..<Self.rounds {
                    for number in 0..<Self.brokenPerRound {
                        attackers[number % attackers.count].send(broken(round * Self.brokenPerRound + number))
                    }
                    let asker = askers[round % askers.count]
                    asker.send(query(UInt8(round % 256)))
                    try await node.wait(for: "the answer to query \(round)", within: 10) {
                        while let bytes = asker.receive() { if isAnswer(bytes) { return true } }
                        return nil
                    }
                }
                node.send(SIGTERM)
                let run = try await node.end(within: 10)
                #expect(run.code == 0, run.comment)
            }
        }

        private func query(_ number: UInt8) -> [UInt8] {
            Array("d1:ad2:id20:".utf8) + Self.target + Array("9:info_hash20:".utf8) + Self.target
                + Array("e1:q9:get_peers1:t2:".utf8) + [0x71, number] + Array("1:y1:qe".utf8)
        }

        /// With a token and nodes or none: nobody else is there.
        private func isAnswer(_ bytes: [UInt8]) -> Bool {
            let text = String(decoding: bytes, as: Unicode.ASCII.self)
            return text.hasPrefix("d") && text.contains("5:token") && text.hasSuffix("1:y1:re")
        }

        /// Cut off, twisted, nested too deep, with a length that lies, or noise.
        private func broken(_ number: Int) -> [UInt8] {
            var bytes = query(UInt8(number % 256))
            let place = number * 7919 % bytes.count
            switch number % 5 {
            case 0: bytes.removeLast(bytes.count - place)
            case 1: bytes[place] ^= 0x80
            case 2: bytes = [UInt8](repeating: UInt8(ascii: "l"), count: 1 + place * 10)
            case 3: bytes.insert(contentsOf: Array("99999999999:".utf8), at: 1)
            default: bytes = bytes.map { $0 &* 31 &+ UInt8(truncatingIfNeeded: number) }
            }
            return bytes
        }
    }
}
