import PeerProtocol
import Primitives
import Testing

@Suite struct HandshakeTests {
    @Test func hasTheBytesOfBEP3() throws {
        let bytes = encoded(theirHandshake().encode)
        #expect(bytes.count == Handshake.byteCount)
        #expect(Array(bytes[..<20]) == [19] + Array("BitTorrent protocol".utf8))
        #expect(Array(bytes[20..<28]) == [0, 0, 0, 0, 0, 0x10, 0, 1])
        #expect(Array(bytes[28..<48]) == torrentHash.bytes)
        #expect(Array(bytes[48...]) == theirID.bytes)
        #expect(try Handshake(bytes.span.bytes, at: 0) == theirHandshake())
    }

    @Test func keepsReservedBitsThatItDoesNotKnow() throws {
        var handshake = theirHandshake()
        handshake.capabilities = Handshake.Capabilities(rawValue: .max)
        let bytes = [7] + encoded(handshake.encode)
        #expect(try Handshake(bytes.span.bytes, at: 1) == handshake)
        #expect(handshake.capabilities.isSuperset(of: [.dht, .fast, .extensionProtocol]))
    }

    @Test func peerIDsBeginWithTheirPrefix() {
        #expect(Array(ourID.bytes[..<8]) == Array("-ML0001-".utf8))
        #expect(ourID.bytes.count == 20)
        #expect(ourID != theirID)
        var generator = SeededGenerator(number: 3)
        let long = PeerID(prefix: String(repeating: "x", count: 30), using: &generator)
        #expect(long.bytes == Array(repeating: UInt8(ascii: "x"), count: 20))
    }

    @Test func theInitiatorReadsMessagesRightAfterTheHandshake() {
        var feeder = openFeeder()
        feeder.feed(.unchoke)
        #expect(feeder.events == [.handshake(theirHandshake()), .message(.unchoke)])
        #expect(feeder.session.peerHandshake == theirHandshake())
    }

    @Test func theResponderWaitsUntilItsOwnerAcceptsTheTorrent() {
        var feeder = SessionFeeder(Session(role: .responder, infoHash: nil, ourPeerID: ourID, now: .origin))
        feeder.feed(encoded(theirHandshake().encode) + encoded(OutgoingMessage.interested.encode))
        #expect(feeder.events == [.handshake(theirHandshake())])
        #expect(feeder.session.infoHash == nil)
        #expect(feeder.pending.count == 5)
        feeder.session.accept(torrentHash)
        feeder.drain()
        #expect(feeder.eventsAfterHandshake == [.message(.interested)])
        #expect(feeder.session.infoHash == torrentHash)
    }

    @Test func acceptingTooEarlyOrTwiceChangesNothing() {
        var feeder = SessionFeeder(freshSession())
        feeder.session.accept(otherHash)
        #expect(feeder.session.infoHash == torrentHash)
        feeder.feed(encoded(theirHandshake().encode))
        feeder.session.accept(otherHash)
        #expect(feeder.session.infoHash == torrentHash)
        #expect(feeder.events == [.handshake(theirHandshake())])
    }

    @Test func anotherTorrentIsRefusedBeforeThePeerIDIsThere() {
        for count in 48...68 {
            var feeder = SessionFeeder(freshSession())
            feeder.feed(encoded(theirHandshake(otherHash).encode)[..<count])
            #expect(feeder.events == [.fault(.wrongInfoHash(otherHash))])
        }
        #expect(PeerFault.wrongInfoHash(otherHash).scope == .dropPeer)
    }

    @Test func callingOurselvesIsNoticed() {
        var feeder = SessionFeeder(freshSession())
        feeder.feed(encoded(Handshake(capabilities: [], infoHash: torrentHash, peerID: ourID).encode))
        #expect(feeder.events == [.fault(.selfConnection)])
    }

    @Test func anotherProtocolIsRefusedAtItsFirstWrongByte() {
        let bytes = encoded(theirHandshake().encode)
        for place in 0..<20 {
            var wrong = Array(bytes[...place])
            wrong[place] ^= 1
            var feeder = SessionFeeder(freshSession())
            feeder.feed(wrong[..<place])
            #expect(feeder.events.isEmpty)
            feeder.feed(wrong[place...])
            #expect(feeder.events == [.fault(.badHandshake)])
        }
        #expect(throws: PeerFault.badHandshake) { try Handshake([UInt8](repeating: 0, count: 68).span.bytes, at: 0) }
    }

    @Test func afterAFaultNothingElseComes() {
        var session = freshSession()
        let bytes: [UInt8] = [1]
        #expect(session.received(bytes.span.bytes, at: 0, now: .origin) == .fault(.badHandshake))
        let handshake = encoded(theirHandshake().encode)
        #expect(session.received(handshake.span.bytes, at: 0, now: .origin) == .fault(.badHandshake))
    }
}
