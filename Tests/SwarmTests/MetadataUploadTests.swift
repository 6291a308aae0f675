import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

/// Metadata that peers ask for over and over.
@Suite struct MetadataUploadTests {
    private let id: UInt8 = 3

    private func call(_ bench: inout SwarmBench, from endpoint: Endpoint) -> PeerHandle {
        let peer = bench.call(from: endpoint)
        var handshake = ExtensionHandshake()
        handshake.metadataID = id
        bench.say(peer, handshake)
        return peer
    }

    private func ask(_ bench: inout SwarmBench, _ peer: PeerHandle, pieces: Range<Int>) {
        var bytes: [UInt8] = []
        for piece in pieces { MetadataMessage.encodeRequest(piece: piece, id: ExtensionID.metadata, into: &bytes) }
        bench.say(peer, bytes)
    }

    /// How many pieces the last fact gave to the peer.
    private func given(_ bench: SwarmBench, to peer: PeerHandle) throws -> Int {
        try bench.extended(id, to: peer).count { message in
            if case .data = try MetadataMessage(message.bytes.span.bytes, in: message.payload) { true } else { false }
        }
    }

    @Test func aHostThatReturnsIsHeldToTheLimitAndANewOneIsServedAtOnce() throws {
        // 100,000 pieces make metadata of 2 MB.
        var bench = try SwarmBench(pieces: 100_000, isComplete: true)
        bench.tell { swarm, _, _ in swarm.limit(.upload) }
        let size = bench.info.bytes.count
        let count = (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        var sent = 0
        var allowed = 0
        for round in 0..<40 {
            let peer = call(&bench, from: .v4(1, 2, 3, 4, port: UInt16(round + 1)))
            ask(&bench, peer, pieces: 0..<count)
            sent += try given(bench, to: peer) * MetadataMessage.pieceLength
            bench.tell { $0.allowed(100_000, .upload, now: $2, into: &$1) }
            allowed += 100_000
            sent += try given(bench, to: peer) * MetadataMessage.pieceLength
            if round % 2 == 0 { bench.hangUp(peer) }
        }
        // An eighth of the portions goes to repeated copies, a half to others: it has its two copies first.
        #expect(sent > 500_000 && sent < min(allowed / 2, 2 * size + allowed / 8) + 500_000, "\(sent)")
        #expect(bench.swarm.snapshot.metadataUploadedBytes >= sent)
        let honest = call(&bench, from: .v4(9, 9, 9, 9, port: 1))
        ask(&bench, honest, pieces: 0..<3)
        var got = try given(bench, to: honest)
        bench.tell { $0.allowed(100_000, .upload, now: $2, into: &$1) }
        got += try given(bench, to: honest)
        #expect(got == 3)
    }

    /// What it waits for can no longer be sent, since no id is left to send it under.
    @Test(arguments: [true, false]) func aPeerThatSwitchesMetadataOffWaitsForNothing(isLimited: Bool) throws {
        var bench = try SwarmBench(pieces: 100_000, isComplete: true)
        if isLimited { bench.tell { swarm, _, _ in swarm.limit(.upload) } }
        let count = (bench.info.bytes.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        for round in 0..<4 {
            let peer = call(&bench, from: .v4(1, 2, 3, 4, port: UInt16(round + 1)))
            ask(&bench, peer, pieces: 0..<count)
            var off = ExtensionHandshake()
            off.metadataID = 0
            bench.say(peer, off)
        }
        bench.wait(.seconds(2))
        if isLimited { bench.tell { $0.allowed(100_000, .upload, now: $2, into: &$1) } }
        let honest = call(&bench, from: .v4(9, 9, 9, 9, port: 1))
        ask(&bench, honest, pieces: 0..<3)
        #expect(try given(bench, to: honest) == 3)
    }

    /// Portions that came while only repeated copies were wanted do not add up to a burst.
    @Test func whatAFloodDoesNotUseOfTheLimitLapses() throws {
        var bench = try SwarmBench(pieces: 100_000, isComplete: true)
        bench.tell { swarm, _, _ in swarm.limit(.upload) }
        let size = bench.info.bytes.count
        let count = (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        for round in 0..<200 {
            let peer = call(&bench, from: .v4(1, 2, 3, 4, port: UInt16(round + 1)))
            ask(&bench, peer, pieces: 0..<count)
            bench.tell { $0.allowed(100_000, .upload, now: $2, into: &$1) }
        }
        let leecher = bench.call(from: .v4(9, 9, 9, 9, port: 1), saying: [.haveNone, .interested])
        let before = bench.swarm.snapshot.uploadedBytes
        for piece in 0..<200 {
            bench.request(piece, by: leecher)
            bench.take(leecher)
        }
        #expect(bench.swarm.snapshot.uploadedBytes - before <= 100_000 + SwarmBench.blockLength)
    }

    @Test func withoutALimitAFloodIsPacedAndANewHostIsNot() throws {
        var bench = try SwarmBench(pieces: 100_000, isComplete: true)
        let count = (bench.info.bytes.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        var sent = 0
        for round in 0..<60 {
            let peer = call(&bench, from: .v4(1, 2, 3, 4, port: UInt16(round + 1)))
            ask(&bench, peer, pieces: 0..<count)
            sent += try given(bench, to: peer) * MetadataMessage.pieceLength
            bench.wait(.milliseconds(500))
            bench.hangUp(peer)
        }
        let figure = bench.swarm.snapshot.metadataUploadedBytes
        // Two copies, and 256 KB in each of 30 seconds.
        #expect(figure < 2 * bench.info.bytes.count + 30 * 256_000 + 300_000 && figure >= sent, "\(figure)")
        let honest = call(&bench, from: .v4(9, 9, 9, 9, port: 1))
        ask(&bench, honest, pieces: 0..<4)
        #expect(try given(bench, to: honest) == 4)
    }
}
