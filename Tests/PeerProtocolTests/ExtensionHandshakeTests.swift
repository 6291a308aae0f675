import PeerProtocol
import Primitives
import Testing

@Suite struct ExtensionHandshakeTests {
    private func decode(_ text: String) throws -> ExtensionHandshake {
        let bytes = Array(text.utf8)
        return try ExtensionHandshake(bytes.span.bytes, in: 0..<bytes.count)
    }

    @Test(arguments: [Endpoint("1.2.3.4:0"), Endpoint("[2001:db8::1]:0"), nil])
    func roundTripsThroughASession(address: Endpoint?) throws {
        var sent = ExtensionHandshake()
        sent.metadataID = ExtensionID.metadata
        sent.peerExchangeID = ExtensionID.peerExchange
        sent.metadataSize = 31235
        sent.requestQueueDepth = 2048
        sent.clientVersion = "mainline 0.1 µ"
        sent.listenPort = 6881
        sent.prefersEncryption = address == nil ? nil : true
        sent.yourAddress = address
        var feeder = openFeeder()
        feeder.feed(encoded(sent.encode))
        guard case .bytes(.extended(id: ExtensionID.handshake, payload: _), let bytes) = feeder.events.last else {
            Issue.record("no extended message in \(feeder.events)")
            return
        }
        #expect(try ExtensionHandshake(bytes.span.bytes, in: 0..<bytes.count) == sent)
    }

    @Test func writesSortedKeysAndOnlyWhatIsSet() {
        var handshake = ExtensionHandshake()
        #expect(encoded(handshake.encode) == frame(id: 20, Array("\0d1:mdee".utf8)))
        handshake.metadataID = 3
        handshake.metadataSize = 31235
        handshake.listenPort = 1
        let text = "\0d1:md11:ut_metadatai3ee13:metadata_sizei31235e1:pi1ee"
        #expect(encoded(handshake.encode) == frame(id: 20, Array(text.utf8)))
    }

    @Test func readsTheExampleOfTheBEP() throws {
        let handshake = try decode("d1:md11:LT_metadatai1e7:µT_PEXi2ee1:pi6881e1:v13:µTorrent 1.2e")
        #expect(handshake.listenPort == 6881)
        #expect(handshake.clientVersion == "µTorrent 1.2")
        #expect(handshake.metadataID == nil)
    }

    @Test(arguments: [
        "d13:metadata_sizei0ee", "d13:metadata_sizei-1ee", "d13:metadata_size1:5e", "d1:pi65536ee", "d1:pi-1ee",
        "d4:reqqi0ee", "d6:yourip5:12345e", "d6:youripi1ee", "d1:vi1ee", "d1:mi1ee", "d1:mlee",
        "d1:md11:ut_metadata0:ee", "d1:md11:ut_metadatai256e6:ut_pexi-1eee", "d3:xyzld1:ai1eeee", "de", "detrailing",
        "d1:pi01ee", "d1:pi99999999999999999999ee",
    ])
    func entriesThatMakeNoSenseCountAsAbsent(text: String) throws {
        #expect(try decode(text) == ExtensionHandshake())
    }

    @Test(arguments: ["", "le", "i1e", "d", "d1:p", "d1:pi1e", "d1:vi1e", "d1:v5:abce", "hello"])
    func brokenBencodingIsAFault(text: String) {
        #expect(throws: PeerFault.malformedExtension) { try decode(text) }
    }

    @Test func readsOnlyItsRange() throws {
        let bytes = Array("xxd1:pi5eexx".utf8)
        #expect(try ExtensionHandshake(bytes.span.bytes, in: 2..<10).listenPort == 5)
        #expect(throws: PeerFault.malformedExtension) { try ExtensionHandshake(bytes.span.bytes, in: 2..<9) }
    }

    @Test func longVersionsAreCutAndRepaired() throws {
        let name = String(repeating: "a", count: 127) + "µµµµ"
        let version = try #require(try decode("d1:v\(name.utf8.count):\(name)e").clientVersion)
        #expect(version == String(repeating: "a", count: 127) + "\u{fffd}")
    }

    @Test func laterHandshakesAddAndSwitchOff() throws {
        var known = ExtensionHandshake()
        known.update(with: try decode("d1:md11:ut_metadatai3e6:ut_pexi0ee13:metadata_sizei100e4:reqqi500ee"))
        #expect(known.metadataID == 3)
        #expect(known.peerExchangeID == nil)
        known.update(with: try decode("d1:md11:ut_metadatai0e6:ut_pexi9eee"))
        #expect(known.metadataID == nil)
        #expect(known.peerExchangeID == 9)
        #expect(known.metadataSize == 100)
        #expect(known.requestQueueDepth == 500)
    }

    @Test func handshakeAndExtensionHandshakeFitOneBuffer() {
        var bytes: [UInt8] = []
        theirHandshake().encode(into: &bytes)
        ExtensionHandshake().encode(into: &bytes)
        OutgoingMessage.bitfield(Bitfield(filled: 8)).encode(into: &bytes)
        var feeder = SessionFeeder(freshSession())
        feeder.feed(bytes)
        #expect(
            feeder.events == [
                .handshake(theirHandshake()), .bytes(.extended(id: 0, payload: 0..<0), Array("d1:mdee".utf8)),
                .bytes(.bitfield(0..<0), [0xff]),
            ])
    }
}
