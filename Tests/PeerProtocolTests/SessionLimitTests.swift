import PeerProtocol
import Primitives
import Testing

/// Every limit: what is just allowed passes, one byte more does not.
@Suite struct SessionLimitTests {
    /// The first step after the head of a message with this id and length of body has come, and nothing else.
    private func stepAtHead(id: UInt8, bodyLength: Int, knowingTorrent: Bool = false) -> Session.Step {
        var session = openFeeder().session
        if knowingTorrent { session.torrentKnown(layout) }
        let head = Array(encoded { $0.appendBigEndian(UInt32(bodyLength + 1)) } + [id])
        return session.received(head.span.bytes, at: 0, now: .origin)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 6, 8, 9] as [UInt8])
    func messagesOfOneLengthHaveNoOther(id: UInt8) {
        let length = [4: 4, 6: 12, 8: 12, 9: 2][Int(id)] ?? 0
        for wrong in [length - 1, length + 1, Int(UInt32.max) - 1] where wrong >= 0 {
            #expect(
                stepAtHead(id: id, bodyLength: wrong) == .fault(.malformedMessage(id: id, length: wrong + 1)))
        }
        if length > 0 { #expect(stepAtHead(id: id, bodyLength: length) == .needsMore) }
    }

    @Test(arguments: [(5, 256 * 1024), (7, 8 + 16384), (20, 128 * 1024)] as [(UInt8, Int)])
    func longMessagesAreRefusedAtTheirHead(id: UInt8, limit: Int) {
        #expect(stepAtHead(id: id, bodyLength: limit) == .needsMore)
        #expect(
            stepAtHead(id: id, bodyLength: limit + 1) == .fault(.messageTooLong(id: id, length: limit + 2)))
        #expect(PeerFault.messageTooLong(id: id, length: limit).scope == .distrustPeer)
    }

    @Test func longUnknownMessagesAreRefused() {
        #expect(
            stepAtHead(id: 99, bodyLength: 65536) == .message(consumed: 5, .unknown(id: 99, length: 65536)))
        #expect(stepAtHead(id: 99, bodyLength: 65537) == .fault(.messageTooLong(id: 99, length: 65538)))
    }

    @Test func shortMessagesAreRefusedAtTheirHead() {
        for bodyLength in 0..<8 {
            #expect(
                stepAtHead(id: 7, bodyLength: bodyLength) == .fault(.malformedMessage(id: 7, length: bodyLength + 1)))
        }
        #expect(stepAtHead(id: 20, bodyLength: 0) == .fault(.malformedMessage(id: 20, length: 1)))
    }

    @Test func aKnownTorrentFixesTheLengthOfTheBitfield() {
        #expect(stepAtHead(id: 5, bodyLength: 2, knowingTorrent: true) == .needsMore)
        for wrong in [0, 1, 3, 5000] {
            #expect(
                stepAtHead(id: 5, bodyLength: wrong, knowingTorrent: true)
                    == .fault(.malformedMessage(id: 5, length: wrong + 1)))
        }
    }

    @Test func blocksMayBeAsLongAsTheLongestRequest() {
        var feeder = openFeeder()
        let long = BlockRequest(piece: 0, offset: 0, length: 40000)
        feeder.session.requested(long, now: .origin)
        feeder.feed(pieceMessage(long))
        #expect(feeder.eventsAfterHandshake == [.block(long, bytes: payload(of: long), isComplete: true, .store)])
        let longer = BlockRequest(piece: 0, offset: 0, length: 40001)
        feeder.feed(pieceMessage(longer))
        #expect(feeder.events.last == .fault(.messageTooLong(id: 7, length: 40010)))
    }

    @Test func limitsCanBeSet() {
        var limits = Session.Limits()
        limits.extendedBytes = 10
        limits.unknownBytes = 1
        var feeder = openFeeder(limits)
        feeder.feed(frame(id: 20, [UInt8](repeating: 0, count: 10)) + frame(id: 30, [0]) + frame(id: 30, [0, 0]))
        #expect(feeder.events.last == .fault(.messageTooLong(id: 30, length: 3)))
        #expect(feeder.events.count == 4)
    }

    @Test func piecesBeyondTheLastAreRefusedOnceTheTorrentIsKnown() {
        var feeder = openFeeder()
        feeder.feed(.have(10))
        feeder.session.torrentKnown(layout)
        feeder.feed(.have(9), .have(10))
        #expect(
            feeder.eventsAfterHandshake == [
                .message(.have(10)), .message(.have(9)), .fault(.pieceOutOfRange(10)),
            ])
    }

    @Test(arguments: [
        BlockRequest(piece: 0, offset: 0, length: 16384), BlockRequest(piece: 0, offset: 65535, length: 1),
        BlockRequest(piece: 9, offset: 0, length: 1000), BlockRequest(piece: 0, offset: 0, length: 65536),
    ])
    func requestsWithinAPieceAreReported(block: BlockRequest) {
        var feeder = openFeeder()
        feeder.session.torrentKnown(layout)
        feeder.feed(.request(block))
        #expect(feeder.eventsAfterHandshake == [.message(.request(block))])
    }

    @Test(arguments: [
        BlockRequest(piece: 0, offset: 0, length: 0), BlockRequest(piece: 0, offset: 65536, length: 1),
        BlockRequest(piece: 9, offset: 0, length: 1001), BlockRequest(piece: 0, offset: 1, length: 65536),
        BlockRequest(piece: 0, offset: 0xffff_ffff, length: 1), BlockRequest(piece: 0, offset: 0, length: 131_073),
    ])
    func otherRequestsAreRefused(block: BlockRequest) {
        var feeder = openFeeder()
        feeder.session.torrentKnown(layout)
        feeder.feed(.request(block))
        #expect(feeder.eventsAfterHandshake == [.fault(.invalidRequest(block))])
    }

    @Test func requestsOfAnUnknownTorrentAreOnlyLimitedInLength() {
        let far = BlockRequest(piece: 0xffff_ffff, offset: 0xffff_ffff, length: 131_072)
        let long = BlockRequest(piece: 0, offset: 0, length: 131_073)
        var feeder = openFeeder()
        feeder.feed(.request(far), .request(long))
        #expect(feeder.eventsAfterHandshake == [.message(.request(far)), .fault(.invalidRequest(long))])
        feeder = openFeeder()
        feeder.session.torrentKnown(layout)
        feeder.feed(.request(block(10)))
        #expect(feeder.eventsAfterHandshake == [.fault(.pieceOutOfRange(10))])
    }

    @Test func layoutsCountTheLastPiece() {
        #expect(layout.pieceCount == 10)
        #expect(layout.length(ofPiece: 8) == 65536)
        #expect(layout.length(ofPiece: 9) == 1000)
        #expect(TorrentLayout(pieceLength: 10, totalLength: 20).pieceCount == 2)
        #expect(TorrentLayout(pieceLength: 10, totalLength: 0).pieceCount == 0)
        #expect(TorrentLayout(pieceLength: .max, totalLength: .max).contains(block(0)))
    }
}
