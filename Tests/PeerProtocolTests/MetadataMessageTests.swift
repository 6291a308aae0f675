import PeerProtocol
import Primitives
import Testing

@Suite struct MetadataMessageTests {
    private func decode(_ text: String) throws -> MetadataMessage {
        let bytes = Array(text.utf8)
        return try MetadataMessage(bytes.span.bytes, in: 0..<bytes.count)
    }

    @Test func requestsAndRejectsHaveTheBytesOfTheBEP() throws {
        let request = encoded { MetadataMessage.encodeRequest(piece: 0, id: 3, into: &$0) }
        #expect(request == frame(id: 20, [3] + Array("d8:msg_typei0e5:piecei0ee".utf8)))
        let reject = encoded { MetadataMessage.encodeReject(piece: 7, id: 3, into: &$0) }
        #expect(reject == frame(id: 20, [3] + Array("d8:msg_typei2e5:piecei7ee".utf8)))
        #expect(try decode("d8:msg_typei0e5:piecei0ee") == .request(piece: 0))
        #expect(try decode("d8:msg_typei2e5:piecei7ee") == .reject(piece: 7))
    }

    @Test(arguments: [1, 16383, 16384, 16385, 40000])
    func everyPartOfTheMetadataRoundTrips(size: Int) throws {
        let metadata = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var assembled: [UInt8] = []
        for piece in 0..<(size + 16383) / 16384 {
            var feeder = openFeeder()
            feeder.feed(encoded { MetadataMessage.encodeData(piece: piece, of: metadata, id: 5, into: &$0) })
            guard case .bytes(.extended(id: 5, payload: _), let bytes) = feeder.events.last,
                case .data(piece, size, let payload) = try MetadataMessage(bytes.span.bytes, in: 0..<bytes.count)
            else {
                Issue.record("no data message in \(feeder.events)")
                return
            }
            assembled += bytes[payload]
        }
        #expect(assembled == metadata)
    }

    @Test func theDataFollowsTheDictionary() throws {
        let head = "d8:msg_typei1e5:piecei2e10:total_sizei34256ee"
        #expect(
            try decode(head + "xxxx")
                == .data(piece: 2, totalSize: 34256, payload: head.utf8.count..<head.utf8.count + 4))
    }

    @Test(arguments: ["d8:msg_typei1e5:piecei2ee", "d8:msg_typei1e5:piecei2e10:total_sizei0ee"])
    func aMissingOrSenselessTotalSizeIsNil(head: String) throws {
        #expect(
            try decode(head + "x")
                == .data(piece: 2, totalSize: nil, payload: head.utf8.count..<head.utf8.count + 1))
    }

    @Test func emptyAndLongDataAreFaults() throws {
        let head = "d8:msg_typei1e5:piecei2ee"
        #expect(throws: PeerFault.malformedExtension) { try decode(head) }
        #expect(throws: Never.self) { try decode(head + String(repeating: "x", count: 16384)) }
        #expect(throws: PeerFault.malformedExtension) { try decode(head + String(repeating: "x", count: 16385)) }
    }

    @Test func unknownKindsAreNoFault() throws {
        #expect(try decode("d8:msg_typei3ee") == .unknown(type: 3))
        #expect(try decode("d8:msg_typei-1e5:piecei0ee") == .unknown(type: -1))
    }

    @Test func keysInAnyOrderAndUnknownOnesAreRead() throws {
        #expect(try decode("d5:piecei4e1:ali1ee8:msg_typei0ee") == .request(piece: 4))
    }

    @Test(arguments: [
        "", "de", "le", "d5:piecei0ee", "d8:msg_typei0ee", "d8:msg_type1:05:piecei0ee", "d8:msg_typei0e5:piecei-1ee",
        "d8:msg_typei0e5:piecei2147483648ee", "d8:msg_typei0e5:piece", "d8:msg_typei0e5:piecei0e", "garbage",
    ])
    func whatCannotBeReadIsAFault(text: String) {
        #expect(throws: PeerFault.malformedExtension) { try decode(text) }
    }
}
