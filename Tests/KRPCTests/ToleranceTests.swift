import KRPC
import Primitives
import Testing

/// What other programs send, though no BEP says so, and what comes of it.
@Suite struct ToleranceTests {
    static let ping = "1:ad2:id20:abcdefghij0123456789e"

    @Test func topLevelKeysComeInAnyOrder() throws {
        let parts = [Self.ping, "1:q4:ping", "1:t2:aa", "1:v4:XY12", "1:y1:q"]
        for order in permutations(parts) {
            let packet = try Packet("d\(order.joined())e")
            #expect(try packet.query().method == .ping)
            #expect(try packet.query().id == id("abcdefghij0123456789"))
            #expect(packet.text(packet.message.transaction) == "aa")
            #expect(packet.message.version.map(packet.text) == "XY12")
        }
    }

    @Test func unknownKeysOfEveryKindArePassedOver() throws {
        for value in ["i1e", "3:abc", "l1:ai2eli3eee", "d1:ad1:bleee"] {
            let packet = try Packet(
                "d1:Z\(value)1:ad1:Z\(value)2:id20:abcdefghij01234567892:zz\(value)6:zzzzzz\(value)e1:q4:ping"
                    + "1:t2:aa1:y1:q2:zz\(value)7:zzzzzzz\(value)e")
            #expect(try packet.query().method == .ping)
        }
        let packet = try Packet("d1:rd1:Zle2:id20:abcdefghij01234567894:same0:e1:xle1:t2:aa1:y1:re")
        #expect(try packet.response().id == id("abcdefghij0123456789"))
    }

    @Test func optionalFieldsMayBeMissing() throws {
        let message = try Packet("d\(Self.ping)1:q4:ping1:t2:aa1:y1:qe").message
        #expect(message.version == nil)
        #expect(!message.isReadOnly)
        #expect(message.observedEndpoint == nil)
    }

    @Test(arguments: ["0:", "1:\u{1}", "8:abcdefgh", "20:abcdefghijklmnopqrst"])
    func transactionsUpTo20BytesAreKept(text: String) throws {
        let packet = try Packet("d\(Self.ping)1:q4:ping1:t\(text)1:y1:qe")
        #expect(packet.text(packet.message.transaction) == text.drop { $0 != ":" }.dropFirst())
    }

    @Test(arguments: ["21:abcdefghijklmnopqrstu", "i1e", "le", "de"])
    func otherTransactionsCannotBeEchoed(text: String) {
        #expect(throws: KRPCError.missingTransaction) { try Packet("d\(Self.ping)1:q4:ping1:t\(text)1:y1:qe") }
    }

    @Test(arguments: [
        ("6:\u{1}\u{2}\u{3}\u{4}\u{1A}\u{61}", Endpoint.v4(1, 2, 3, 4, port: 0x1A61)),
        (
            "18:abcdefghijklmnop\u{1A}\u{61}",
            .v6(EndpointV6(high: 0x6162_6364_6566_6768, low: 0x696A_6B6C_6D6E_6F70, port: 0x1A61))
        ),
        ("4:abcd", nil), ("16:abcdefghijklmnop", nil), ("0:", nil), ("i1e", nil), ("le", nil),
    ])
    func ourOwnEndpointIsReadInBothFamilies(text: String, endpoint: Endpoint?) throws {
        let packet = try Packet("d2:ip\(text)1:rd2:id20:abcdefghij0123456789e1:t2:aa1:y1:re")
        #expect(packet.message.observedEndpoint == endpoint)
    }

    @Test(arguments: [("i1e", true), ("i0e", false), ("i2e", false), ("1:1", false), ("le", false)])
    func onlyOneMeansReadOnly(text: String, isReadOnly: Bool) throws {
        #expect(try Packet("d\(Self.ping)1:q4:ping2:ro\(text)1:t2:aa1:y1:qe").message.isReadOnly == isReadOnly)
    }

    static let wants: [(String, Want?)] = [
        ("l2:n4e", Want.n4), ("l2:n6e", .n6), ("l2:n62:n4e", [.n4, .n6]), ("l2:n4i1ele2:n52:n6e", [.n4, .n6]),
        ("le", nil),
        ("l2:n5e", nil), ("2:n4", nil), ("i4e", nil),
    ]

    @Test(arguments: wants)
    func wantNamesFamilies(text: String, want: Want?) throws {
        let packet = try Packet(
            "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz1234564:want\(text)e1:q9:find_node1:t2:aa1:y1:qe")
        #expect(try packet.query().want == want)
    }

    @Test func theFirstUsableValueOfARepeatedKeyCounts() throws {
        let packet = try Packet(
            "d1:ad2:id3:abc2:id20:abcdefghij01234567892:id20:mnopqrstuvwxyz123456e1:q4:ping1:q3:foo1:ti1e1:t2:aa1:t2:bb"
                + "1:y2:qq1:y1:q1:y1:re")
        #expect(try packet.query().id == id("abcdefghij0123456789"))
        #expect(try packet.query().method == .ping)
        #expect(packet.text(packet.message.transaction) == "aa")
    }

    @Test(arguments: ["find_nodes", "gets", "sample_infohashe", "", "Ping"])
    func unknownMethodsWithATargetAreQueriesAboutIt(name: String) throws {
        for key in ["6:target", "9:info_hash"] {
            let method = "\(name.utf8.count):\(name)"
            let packet = try Packet(
                "d1:ad2:id20:abcdefghij0123456789\(key)20:mnopqrstuvwxyz123456e1:q\(method)1:t2:aa1:y1:qe")
            #expect(try packet.query().method == .unknown(target: id("mnopqrstuvwxyz123456")))
            #expect(try packet.query().target == id("mnopqrstuvwxyz123456"))
        }
    }

    @Test(arguments: [
        ("i6881e", "", 6881), ("i1e", "", 1), ("i65535e", "", 65535), ("i6881e", "12:implied_porti0e", 6881),
        ("i6881e", "12:implied_porti1e", nil), ("i0e", "12:implied_porti1e", nil), ("i-1e", "12:implied_porti2e", nil),
        ("2:hm", "12:implied_porti1e", nil), ("i6881e", "12:implied_port1:1", 6881),
    ])
    func portsAreWhatTheySeem(port: String, implied: String, expected: UInt16?) throws {
        let packet = try Packet(Self.announce(port: port, implied: implied, token: "8:aoeusnth"))
        #expect(try packet.announcement().port == expected)
        #expect(try packet.announcement().infoHash == id("mnopqrstuvwxyz123456"))
    }

    @Test func anImpliedPortNeedsNoOther() throws {
        let packet = try Packet(
            "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
                + "5:token2:hme1:q13:announce_peer1:t2:aa1:y1:qe")
        #expect(try packet.announcement().port == nil)
    }

    @Test func tokensMayBe64BytesLong() throws {
        let longest = String(repeating: "x", count: 64)
        let query = try Packet(Self.announce(port: "i1e", implied: "", token: "64:\(longest)"))
        #expect(try query.text(query.announcement().token) == longest)
        #expect(throws: KRPCError.self) { try Packet(Self.announce(port: "i1e", implied: "", token: "65:x\(longest)")) }
        let reply = try Packet("d1:rd2:id20:abcdefghij01234567895:token65:x\(longest)e1:t2:aa1:y1:re")
        #expect(try reply.response().token == nil)
    }

    static func announce(port: String, implied: String, token: String) -> String {
        "d1:ad2:id20:abcdefghij0123456789\(implied)9:info_hash20:mnopqrstuvwxyz1234564:port\(port)5:token\(token)e"
            + "1:q13:announce_peer1:t2:aa1:y1:qe"
    }

    private func permutations(_ parts: [String]) -> [[String]] {
        if parts.isEmpty { return [[]] }
        return parts.indices.flatMap { index in
            var rest = parts
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }
}
