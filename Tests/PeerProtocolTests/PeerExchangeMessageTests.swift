import Bencode
import PeerProtocol
import Primitives
import Testing

/// BEP 11.
@Suite struct PeerExchangeMessageTests {
    private let v4 = Endpoint.v4(10, 0, 0, 1, port: 6881)
    private let v6 = Endpoint.v6(EndpointV6(high: 0x2001_0db8_0000_0000, low: 7, port: 51413))

    /// What a message says after the frame, message id and extension id.
    private func read(_ bytes: [UInt8]) throws(PeerFault) -> PeerExchangeMessage {
        try PeerExchangeMessage(bytes.span.bytes, in: 0..<bytes.count)
    }

    @Test func whatIsWrittenIsRead() throws {
        var message = PeerExchangeMessage()
        message.added = [.init(v4, [.isSeed, .isReachable]), .init(v6, [])]
        message.dropped = [v6, v4]
        let bytes = encoded { message.encode(id: 3, into: &$0) }
        #expect(Array(bytes[4..<6]) == [20, 3])
        let copy = try read(Array(bytes[6...]))
        #expect(copy.added == message.added)
        #expect(Set(copy.dropped) == Set(message.dropped))
    }

    @Test func flagsMayBeMissingOrShort() throws {
        let two = "\n\u{0}\u{0}\u{1}\u{1a}\u{1}\n\u{0}\u{0}\u{2}\u{1a}\u{1}"
        let none = try read(Array("d5:added12:\(two)e".utf8))
        #expect(none.added.map(\.flags) == [[], []])
        let short = try read(Array("d5:added12:\(two)7:added.f1:\u{2}e".utf8))
        #expect(short.added.map(\.flags) == [.isSeed, []])
        #expect(short.added.map(\.endpoint) == [.v4(10, 0, 0, 1, port: 6657), .v4(10, 0, 0, 2, port: 6657)])
    }

    @Test(arguments: ["de", "d5:added5:aaaaae", "d5:addedi7ee", "d5:addedlee", "d5:added6:aaaa\u{0}\u{0}e"])
    func whatIsNoListOfPeersCountsAsAbsent(text: String) throws {
        #expect(try read(Array(text.utf8)).isEmpty)
    }

    @Test(arguments: ["", "i1e", "d5:added99:aae", "d"])
    func brokenBencodingIsAFault(text: String) {
        #expect(throws: PeerFault.malformedExtension) { try read(Array(text.utf8)) }
    }

    @Test func aLongListIsCutShort() throws {
        let count = 5_000
        let peers = (0..<count).flatMap { [10, 0, UInt8($0 / 256), UInt8($0 % 256), 0x1a, 0xe1] as [UInt8] }
        let message = try read(Array("d5:added\(peers.count):".utf8) + peers + Array("e".utf8))
        #expect(message.added.count == PeerExchangeMessage.peersReadMax)
    }
}
