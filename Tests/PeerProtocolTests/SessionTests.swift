import PeerProtocol
import Primitives
import Testing

@Suite struct SessionTests {
    @Test func aRequestedBlockIsStoredAndNoLongerOutstanding() {
        var feeder = openFeeder()
        feeder.session.requested(block(3), now: .origin)
        feeder.feed(pieceMessage(block(3)))
        #expect(
            feeder.eventsAfterHandshake == [.block(block(3), bytes: payload(of: block(3)), isComplete: true, .store)])
        #expect(feeder.session.outstanding.isEmpty)
    }

    @Test(arguments: [
        BlockRequest(piece: 3, offset: 0, length: 16383), BlockRequest(piece: 3, offset: 1, length: 16384),
        BlockRequest(piece: 4, offset: 0, length: 16384), BlockRequest(piece: 3, offset: 0, length: 0),
    ])
    func whatWasNotAskedForExactlyIsDiscarded(unasked: BlockRequest) {
        var feeder = openFeeder()
        feeder.session.requested(block(3), now: .origin)
        feeder.feed(pieceMessage(unasked))
        feeder.feed(.unchoke)
        #expect(
            feeder.eventsAfterHandshake == [
                .block(unasked, bytes: payload(of: unasked), isComplete: true, .discard), .message(.unchoke),
            ])
        #expect(feeder.session.outstanding.blocks == [block(3)])
    }

    @Test func aBlockIsDeliveredOnce() {
        var feeder = openFeeder()
        feeder.session.requested(block(3), now: .origin)
        feeder.feed(pieceMessage(block(3)) + pieceMessage(block(3)))
        let bytes = payload(of: block(3))
        #expect(
            feeder.eventsAfterHandshake == [
                .block(block(3), bytes: bytes, isComplete: true, .store),
                .block(block(3), bytes: bytes, isComplete: true, .discard),
            ])
    }

    @Test func payloadIsHandedOnAsItComesAndNotBuffered() {
        var session = openFeeder().session
        session.requested(block(2), now: .origin)
        let message = pieceMessage(block(2))
        let first = Array(message[..<1000])
        #expect(
            session.received(first.span.bytes, at: 0, now: .origin)
                == .payload(
                    consumed: 1000, block: block(2), offset: 0, range: 13..<1000, isLast: false, disposition: .store))
        #expect(session.outstanding.blocks == [block(2)])
        #expect(session.received(first.span.bytes, at: 1000, now: .origin) == .needsMore)
        let rest = Array(message[1000...]) + [0, 0, 0, 0]
        #expect(
            session.received(rest.span.bytes, at: 0, now: .origin)
                == .payload(
                    consumed: 15397, block: block(2), offset: 987, range: 0..<15397, isLast: true, disposition: .store))
        #expect(session.outstanding.isEmpty)
        #expect(session.received(rest.span.bytes, at: 15397, now: .origin) == .message(consumed: 4, .keepAlive))
    }

    @Test func aPeerThatDripsBytesMakesNoTinyParts() {
        var session = openFeeder().session
        session.requested(block(2), now: .origin)
        let message = pieceMessage(block(2))
        var (start, parts): (Int, [Int]) = (0, [])
        for end in 1...message.count {
            let bytes = Array(message[start..<end])
            guard
                case .payload(let consumed, _, _, let range, _, _) = session.received(
                    bytes.span.bytes, at: 0, now: .origin)
            else { continue }
            start += consumed
            parts.append(range.count)
        }
        #expect(parts.reduce(0, +) == block(2).length)
        #expect(parts.allSatisfy { $0 >= 512 })
    }

    @Test func theHeadOfAPieceMessageAloneIsKept() {
        var session = openFeeder().session
        for count in 0...13 + 511 {
            let head = Array(pieceMessage(block(2))[..<count])
            #expect(session.received(head.span.bytes, at: 0, now: .origin) == .needsMore)
        }
    }

    @Test func cancellingTurnsTheRestOfABlockIntoWaste() {
        var feeder = openFeeder()
        feeder.session.requested(block(2), now: .origin)
        feeder.session.requested(block(5), now: .origin)
        let message = pieceMessage(block(2))
        feeder.feed(message[..<1000])
        #expect(
            feeder.events.last
                == .block(block(2), bytes: Array(message[13..<1000]), isComplete: false, .store))
        let wasOutstanding = feeder.session.cancelled(block(2))
        let isStillOutstanding = feeder.session.cancelled(block(2))
        #expect(wasOutstanding && !isStillOutstanding)
        feeder.feed(message[1000...] + pieceMessage(block(5)))
        #expect(
            feeder.eventsAfterHandshake == [
                .block(block(2), bytes: payload(of: block(2)), isComplete: true, .discard),
                .block(block(5), bytes: payload(of: block(5)), isComplete: true, .store),
            ])
    }

    @Test func cancellingOneBlockLeavesTheOneThatArrives() {
        var feeder = openFeeder()
        feeder.session.requested(block(2), now: .origin)
        feeder.session.requested(block(5), now: .origin)
        let message = pieceMessage(block(2))
        feeder.feed(message[..<1000])
        feeder.session.cancelled(block(5))
        feeder.feed(message[1000...])
        #expect(
            feeder.eventsAfterHandshake == [.block(block(2), bytes: payload(of: block(2)), isComplete: true, .store)])
    }

    @Test func chokingVoidsAllRequests() {
        var feeder = openFeeder()
        for piece in 0..<4 { feeder.session.requested(block(piece), now: .origin) }
        feeder.feed(pieceMessage(block(1)))
        feeder.feed(.choke)
        let void = feeder.session.choked()
        #expect(void == [block(0), block(2), block(3)])
        #expect(feeder.session.outstanding.isEmpty)
        feeder.feed(pieceMessage(block(0)))
        #expect(
            feeder.events.last == .block(block(0), bytes: payload(of: block(0)), isComplete: true, .discard))
    }

    @Test func givingUpInTheMiddleOfABlockDiscardsItsRest() {
        var feeder = openFeeder()
        feeder.session.requested(block(0), now: .origin)
        feeder.feed(pieceMessage(block(0))[..<50])
        let void = feeder.session.choked()
        #expect(void == [block(0)])
        feeder.feed(pieceMessage(block(0))[50...])
        #expect(
            feeder.eventsAfterHandshake == [
                .block(block(0), bytes: payload(of: block(0)), isComplete: true, .discard)
            ])
    }

    /// libtorrent sends its extension handshake first, and aria2 a bitfield in place of many haves.
    @Test func aBitfieldMayComeAtAnyTime() {
        let bitfield = OutgoingMessage.bitfield(Bitfield(filled: 10))
        let asBytes = Event.bytes(.bitfield(0..<0), [0xff, 0xc0])
        var feeder = openFeeder()
        feeder.feed(frame(id: 20, Array("\0de".utf8)))
        feeder.feed(.keepAlive, bitfield, .have(1), bitfield)
        #expect(feeder.eventsAfterHandshake.suffix(3) == [asBytes, .message(.have(1)), asBytes])
    }

    @Test func remembersWhenBytesCame() {
        var session = freshSession()
        let bytes: [UInt8] = [19]
        #expect(session.lastReceivedAt == .origin)
        _ = session.received(bytes.span.bytes, at: 1, now: .origin + .seconds(1))
        #expect(session.lastReceivedAt == .origin)
        _ = session.received(bytes.span.bytes, at: 0, now: .origin + .seconds(2))
        #expect(session.lastReceivedAt == .origin + .seconds(2))
    }
}
