import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

/// A whole swarm that has only a magnet, beside peers that deny it the metadata.
@Suite struct MagnetBenchTests {
    private let id: UInt8 = 3

    private func offer(_ bench: inout SwarmBench, from endpoint: Endpoint, size: Int) -> PeerHandle {
        let peer = bench.call(from: endpoint)
        var handshake = ExtensionHandshake()
        handshake.metadataID = id
        handshake.metadataSize = size
        bench.say(peer, handshake)
        return peer
    }

    private func requests(_ bench: SwarmBench, to peer: PeerHandle) throws -> [Int] {
        try bench.extended(id, to: peer).compactMap { message in
            let read = try MetadataMessage(message.bytes.span.bytes, in: message.payload)
            return if case .request(let piece) = read { piece } else { nil }
        }
    }

    @Test func anHonestPeerIsAskedAtOnceBesideSilentOnes() throws {
        var bench = try SwarmBench(pieces: 4_000, isComplete: false, knowsInfo: false)
        let bytes = Array(bench.info.bytes)
        for number in 0..<60 {
            _ = offer(&bench, from: .v4(1, 2, 3, UInt8(number), port: 1), size: bytes.count)
        }
        bench.wait(.seconds(20))
        let honest = offer(&bench, from: .v4(9, 9, 9, 9, port: 1), size: bytes.count)
        var wanted = try requests(bench, to: honest)
        #expect(!wanted.isEmpty)
        while let piece = wanted.first {
            var answer: [UInt8] = []
            MetadataMessage.encodeData(piece: piece, of: bytes, id: ExtensionID.metadata, into: &answer)
            bench.say(honest, answer)
            wanted = try wanted.dropFirst() + requests(bench, to: honest)
        }
        #expect(bench.swarm.info?.bytes == bytes)
    }

    @Test func rejectsAndDataThatNobodyAskedForEndTheConnection() throws {
        var bench = try SwarmBench(isComplete: false, knowsInfo: false) { $0.uselessMessagesMax = 50 }
        let rude = offer(&bench, from: .v4(1, 2, 3, 4, port: 1), size: 100_000)
        var bytes: [UInt8] = []
        for _ in 0..<100 {
            MetadataMessage.encodeData(
                piece: 1, of: [UInt8](repeating: 0, count: 100_000), id: ExtensionID.metadata, into: &bytes)
        }
        bench.say(rude, bytes)
        #expect(bench.closed.contains(rude))
    }
}
