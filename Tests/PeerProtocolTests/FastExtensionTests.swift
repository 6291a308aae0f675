import PeerProtocol
import Primitives
import Testing

/// BEP 6.
@Suite struct FastExtensionTests {
    private func fastFeeder(_ limits: Session.Limits = Session.Limits()) -> SessionFeeder {
        var handshake = theirHandshake()
        handshake.capabilities.insert(.fast)
        var feeder = SessionFeeder(freshSession(limits))
        feeder.feed(encoded(handshake.encode))
        return feeder
    }

    @Test func itsMessagesAreReadOnceBothSidesOfferIt() {
        var feeder = fastFeeder()
        #expect(feeder.session.isFast)
        feeder.feed(.haveAll, .allowedFast(4), .reject(block(2)))
        feeder.feed(frame(id: 13, [0, 0, 0, 9]))
        #expect(
            feeder.eventsAfterHandshake == [
                .message(.haveAll), .message(.allowedFast(4)), .message(.reject(block(2))), .message(.suggest(9)),
            ])
    }

    @Test func theyAreUnknownToWhoeverDoesNotOfferIt() {
        var feeder = openFeeder()
        #expect(!feeder.session.isFast)
        feeder.feed(.haveAll, .reject(block(2)), .unchoke)
        #expect(
            feeder.eventsAfterHandshake == [
                .message(.unknown(id: 14, length: 0)), .message(.unknown(id: 16, length: 12)), .message(.unchoke),
            ])
    }

    @Test(arguments: [UInt8(13), 14, 15, 16, 17])
    func wrongLengthsAreRefused(id: UInt8) {
        var feeder = fastFeeder()
        feeder.feed(frame(id: id, Array(repeating: 0, count: 5)))
        #expect(feeder.events.last == .fault(.malformedMessage(id: id, length: 6)))
    }

    @Test func piecesBeyondTheLastAreRefused() {
        for id in [UInt8(13), 17] {
            var feeder = fastFeeder()
            feeder.session.torrentKnown(layout)
            feeder.feed(frame(id: id, [0, 0, 0, 10]))
            #expect(feeder.events.last == .fault(.pieceOutOfRange(10)))
        }
    }

    @Test func aChokeLeavesRequestsToBeRejectedOneByOne() {
        var feeder = fastFeeder()
        feeder.session.requested(block(1), now: .origin)
        feeder.session.requested(block(2), now: .origin)
        #expect(feeder.session.choked() == [])
        let (first, again) = (feeder.session.rejected(block(1)), feeder.session.rejected(block(1)))
        #expect(first && !again)
        #expect(feeder.session.outstanding.blocks == [block(2)])
    }

    /// The example of BEP 6: 80.4.4.200, an infohash of 0xaa only, 1,313 pieces.
    @Test func theAllowedFastSetIsThatOfTheSpecification() {
        let infoHash = InfoHash(Array(repeating: 0xaa as UInt8, count: 20).span.bytes, at: 0)
        let peer = Endpoint.v4(80, 4, 4, 200, port: 1)
        let seven = AllowedFastSet.pieces(for: peer, infoHash: infoHash, pieceCount: 1313, count: 7)
        #expect(seven == [1059, 431, 808, 1217, 287, 376, 1188])
        let nine = AllowedFastSet.pieces(for: peer, infoHash: infoHash, pieceCount: 1313, count: 9)
        #expect(nine == [1059, 431, 808, 1217, 287, 376, 1188, 353, 508])
    }

    @Test func theAllowedFastSetOfASmallTorrentEnds() {
        let peer = Endpoint.v4(80, 4, 4, 200, port: 1)
        for count in 0...12 {
            let pieces = AllowedFastSet.pieces(for: peer, infoHash: torrentHash, pieceCount: count)
            #expect(pieces.count <= min(10, count))
            #expect(Set(pieces).count == pieces.count)
            #expect(pieces.allSatisfy { $0 < count })
        }
        #expect(
            AllowedFastSet.pieces(for: .v6(EndpointV6(high: 1, low: 1, port: 1)), infoHash: torrentHash, pieceCount: 9)
                == [])
    }
}
