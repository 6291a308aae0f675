import KRPC
import Primitives
import Testing

@Suite struct ResponseTests {
    @Test(arguments: [(0, 0), (25, 0), (26, 1), (27, 0), (52, 2), (208, 8), (988, 38)])
    func nodesAreWholeContacts(byteCount: Int, count: Int) throws {
        let packet = try Packet(Self.reply("5:nodes", byteCount: byteCount))
        let response = try packet.response()
        #expect(response.nodes.count == count)
        #expect(packet.contacts(response.nodes).allSatisfy { $0.endpoint == .v4(120, 120, 120, 120, port: 0x7878) })
        #expect(response.nodes6.isEmpty)
    }

    @Test(arguments: [(0, 0), (26, 0), (37, 0), (38, 1), (304, 8)])
    func nodes6AreWholeContacts(byteCount: Int, count: Int) throws {
        let packet = try Packet(Self.reply("6:nodes6", byteCount: byteCount))
        let response = try packet.response()
        #expect(response.nodes6.count == count)
        #expect(packet.contacts(response.nodes6).allSatisfy { $0.endpoint.port == 0x7878 && $0.endpoint.family == .v6 })
        #expect(response.nodes.isEmpty)
    }

    @Test func familiesMixInValuesAndOddEntriesArePassedOver() throws {
        let packet = try Packet(
            "d1:rd2:id20:abcdefghij01234567896:valuesl6:axje.ui5e5:abcde0:18:ABCDEFGHIJKLMNOPQRl6:axje.ue7:abcdefg"
                + "d1:a6:axje.ue6:idhtnmee1:t2:aa1:y1:re")
        #expect(
            try packet.peers(packet.response()) == [
                .v4(97, 120, 106, 101, port: 0x2E75),
                .v6(EndpointV6(high: 0x4142_4344_4546_4748, low: 0x494A_4B4C_4D4E_4F50, port: 0x5152)),
                .v4(105, 100, 104, 116, port: 0x6E6D),
            ])
    }

    @Test(arguments: ["6:values0:", "6:valuesi1e", "6:valuesde", "6:valuesle", "6:values12:axje.uidhtnm", ""])
    func valuesOfAnotherKindAreNone(text: String) throws {
        let packet = try Packet("d1:rd2:id20:abcdefghij0123456789\(text)e1:t2:aa1:y1:re")
        #expect(try packet.peers(packet.response()).isEmpty)
    }

    @Test(arguments: ["5:nodesi1e", "5:nodesle", "5:tokeni1e", "6:nodes6de", "5:nodes3:abc5:token4:good"])
    func fieldsOfAnotherKindCountAsAbsent(text: String) throws {
        let packet = try Packet("d1:rd2:id20:abcdefghij0123456789\(text)e1:t2:aa1:y1:re")
        let response = try packet.response()
        #expect(response.nodes.isEmpty && response.nodes6.isEmpty)
        #expect(response.token.map(packet.text) == (text.hasSuffix("good") ? "good" : nil))
    }

    @Test func theIteratorEndsOnBytesThatWereNotDecoded() throws {
        let packet = try Packet("d1:rd2:id20:abcdefghij01234567896:valuesl6:axje.uee1:t2:aa1:y1:re")
        let other = [UInt8](repeating: UInt8(ascii: "9"), count: packet.bytes.count)
        var iterator = try packet.response().values.makeIterator(in: other.span.bytes)
        #expect(iterator.next(in: other.span.bytes) == nil)
        iterator = try packet.response().values.makeIterator(in: packet.bytes.span.bytes)
        #expect(iterator.next(in: other.span.bytes) == nil)
    }

    static func reply(_ key: String, byteCount: Int) -> String {
        "d1:rd2:id20:abcdefghij0123456789\(key)\(byteCount):\(String(repeating: "x", count: byteCount))e1:t2:aa1:y1:re"
    }
}

@Suite struct ErrorMessageTests {
    @Test(arguments: [
        ("1:eli204e14:Method Unknowne", 204, "Method Unknown"), ("1:eli203ee", 203, ""), ("1:el4:oopse", 0, "oops"),
        ("1:ele", 0, ""), ("1:e4:oops", 0, ""), ("1:ei201e", 0, ""), ("", 0, ""),
        ("1:el4:oopsi202ei1edelee", 202, "oops"),
    ])
    func errorsAreReadAsFarAsTheyGo(text: String, code: Int, message: String) throws {
        let packet = try Packet("d\(text)1:t2:aa1:y1:ee")
        guard case .error(let error, let range) = packet.message.body else { throw WrongKind() }
        #expect(error.rawValue == code)
        #expect(packet.text(range) == message)
        #expect(packet.text(packet.message.transaction) == "aa")
    }
}
