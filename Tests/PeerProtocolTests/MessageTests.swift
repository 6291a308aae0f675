import PeerProtocol
import Primitives
import Testing

@Suite struct MessageTests {
    @Test func everyMessageHasTheBytesOfItsBEP() {
        let block = BlockRequest(piece: 0x0102_0304, offset: 0x1000, length: 0x4000)
        let blockBytes: [UInt8] = [1, 2, 3, 4, 0, 0, 0x10, 0, 0, 0, 0x40, 0]
        var pieces = Bitfield(count: 10)
        pieces[0] = true
        pieces[9] = true
        let cases: [(OutgoingMessage, [UInt8])] = [
            (.keepAlive, [0, 0, 0, 0]),
            (.choke, [0, 0, 0, 1, 0]),
            (.unchoke, [0, 0, 0, 1, 1]),
            (.interested, [0, 0, 0, 1, 2]),
            (.notInterested, [0, 0, 0, 1, 3]),
            (.have(0x0102), [0, 0, 0, 5, 4, 0, 0, 1, 2]),
            (.bitfield(pieces), [0, 0, 0, 3, 5, 0x80, 0x40]),
            (.request(block), [0, 0, 0, 13, 6] + blockBytes),
            (.pieceHeader(block), [0, 0, 0x40, 9, 7] + blockBytes[..<8]),
            (.cancel(block), [0, 0, 0, 13, 8] + blockBytes),
            (.port(6881), [0, 0, 0, 3, 9, 0x1a, 0xe1]),
        ]
        for (message, bytes) in cases {
            #expect(encoded(message.encode) == bytes)
        }
    }

    @Test func everyMessageRoundTrips() {
        let block = block(9999, 7)
        var feeder = openFeeder()
        var pieces = Bitfield(count: 21)
        pieces[20] = true
        feeder.feed(
            .keepAlive, .choke, .unchoke, .interested, .notInterested, .bitfield(pieces), .have(4_294_967_295),
            .request(block), .cancel(block), .port(65535))
        #expect(
            feeder.eventsAfterHandshake == [
                .message(.keepAlive), .message(.choke), .message(.unchoke), .message(.interested),
                .message(.notInterested), .bytes(.bitfield(0..<0), pieces.bytes), .message(.have(4_294_967_295)),
                .message(.request(block)), .message(.cancel(block)), .message(.port(65535)),
            ])
        #expect(feeder.pending.isEmpty)
    }

    @Test func extendedMessagesKeepTheirIDAndPayload() {
        var feeder = openFeeder()
        feeder.feed(frame(id: 20, [7] + Array("abc".utf8)) + frame(id: 20, [0]))
        #expect(
            feeder.eventsAfterHandshake == [
                .bytes(.extended(id: 7, payload: 0..<0), Array("abc".utf8)),
                .bytes(.extended(id: 0, payload: 0..<0), []),
            ])
    }

    @Test func messagesOfTheFastExtensionAndOtherUnknownOnesAreSkipped() {
        var feeder = openFeeder()
        let fast = frame(id: 14, []) + frame(id: 13, [0, 0, 0, 1]) + frame(id: 16, [UInt8](repeating: 0, count: 12))
        feeder.feed(fast + frame(id: 255, [UInt8](repeating: 1, count: 1000)))
        feeder.feed(.unchoke)
        #expect(
            feeder.eventsAfterHandshake == [
                .message(.unknown(id: 14, length: 0)), .message(.unknown(id: 13, length: 4)),
                .message(.unknown(id: 16, length: 12)), .message(.unknown(id: 255, length: 1000)), .message(.unchoke),
            ])
    }

    @Test func unknownBodiesNeedNoBuffer() {
        var feeder = openFeeder()
        feeder.feed(frame(id: 99, [UInt8](repeating: 1, count: 1000))[..<500])
        #expect(feeder.pending.isEmpty)
    }
}
