import PeerProtocol
import Primitives
import Testing

/// However a stream is cut, a session makes the same of it.
@Suite struct SessionSplitTests {
    private static let requests = [block(0), block(0, 1), block(9), BlockRequest(piece: 4, offset: 5, length: 100)]

    private static let stream: [UInt8] = {
        var bytes = encoded(theirHandshake().encode)
        var extensions = ExtensionHandshake()
        extensions.metadataID = 3
        extensions.encode(into: &bytes)
        var pieces = Bitfield(count: 10)
        pieces[4] = true
        let messages: [OutgoingMessage] = [
            .bitfield(pieces), .port(1), .keepAlive, .unchoke, .have(9), .interested, .request(block(1)),
            .cancel(block(1)), .notInterested, .choke,
        ]
        for message in messages { message.encode(into: &bytes) }
        bytes += pieceMessage(requests[3])
        bytes += frame(id: 14, []) + frame(id: 77, [UInt8](repeating: 9, count: 300))
        bytes += pieceMessage(BlockRequest(piece: 8, offset: 0, length: 500))
        bytes += pieceMessage(BlockRequest(piece: 8, offset: 0, length: 0))
        bytes += pieceMessage(requests[0]) + pieceMessage(requests[1])
        MetadataMessage.encodeData(piece: 0, of: Array(repeating: 1, count: 2000), id: 1, into: &bytes)
        OutgoingMessage.keepAlive.encode(into: &bytes)
        return bytes
    }()

    private func freshFeeder() -> SessionFeeder {
        var session = freshSession()
        for block in SessionSplitTests.requests { session.requested(block, now: .origin) }
        session.torrentKnown(layout)
        return SessionFeeder(session)
    }

    private func eventsInOneGo(_ stream: [UInt8]) -> [Event] {
        var feeder = freshFeeder()
        feeder.feed(stream)
        return feeder.events
    }

    @Test func oneByteAtATimeGivesTheSameSteps() {
        var feeder = freshFeeder()
        for byte in SessionSplitTests.stream { feeder.feed(CollectionOfOne(byte)) }
        #expect(feeder.events == eventsInOneGo(SessionSplitTests.stream))
        #expect(feeder.events.count == 21)
        #expect(feeder.consumedBytes == SessionSplitTests.stream.count)
        #expect(feeder.session.outstanding.blocks == [block(9)])
    }

    @Test func everySingleCutOfTheSmallMessagesGivesTheSameSteps() {
        let stream = Array(SessionSplitTests.stream[..<1100])
        let whole = eventsInOneGo(stream)
        for cut in 0...stream.count {
            var feeder = freshFeeder()
            feeder.feed(stream[..<cut])
            feeder.feed(stream[cut...])
            #expect(feeder.events == whole, "cut at \(cut)")
        }
    }

    @Test func randomCutsGiveTheSameSteps() {
        var generator = SeededGenerator(number: 7)
        let stream = SessionSplitTests.stream
        let whole = eventsInOneGo(stream)
        for round in 0..<40 {
            let largest = [3, 40, 700, 20000][round % 4]
            var feeder = freshFeeder()
            var offset = 0
            while offset < stream.count {
                let end = min(stream.count, offset + Int.random(in: 1...largest, using: &generator))
                feeder.feed(stream[offset..<end])
                offset = end
            }
            #expect(feeder.events == whole, "round \(round)")
        }
    }

    @Test func faultsComeInTheSamePlace() {
        let faulty: [[UInt8]] = [
            encoded(theirHandshake(otherHash).encode), frame(id: 5, [0]), frame(id: 4, [0, 0, 0, 10]),
            frame(id: 0, [0]), frame(id: 6, [UInt8](repeating: 0, count: 12)), [0xff, 0xff, 0xff, 0xff, 7],
        ]
        for tail in faulty {
            let stream = encoded(theirHandshake().encode) + frame(id: 1, []) + tail + frame(id: 0, [])
            let whole = eventsInOneGo(stream)
            var feeder = freshFeeder()
            for byte in stream { feeder.feed(CollectionOfOne(byte)) }
            #expect(feeder.events == whole)
            guard case .fault = whole.last else {
                Issue.record("no fault in \(whole)")
                continue
            }
        }
    }
}
