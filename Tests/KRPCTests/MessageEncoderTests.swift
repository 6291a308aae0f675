import KRPC
import Primitives
import Testing

@Suite struct MessageEncoderTests {
    let encoder = MessageEncoder(id: id("abcdefghij0123456789"), version: 0x4D4E_3031)
    let target = id("mnopqrstuvwxyz123456")

    /// The packets of BEP 5, with a version and four bytes of transaction.
    @Test func queriesAreThoseOfBEP5() throws {
        #expect(
            try encoded { $0.ping(number: 0x6161_6262, into: &$1) }
                == "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t4:aabb1:v4:MN011:y1:qe")
        #expect(
            try encoded { $0.findNode(target: target, number: 0x6161_6262, into: &$1) } == """
                d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node\
                1:t4:aabb1:v4:MN011:y1:qe
                """)
        #expect(
            try encoded { $0.getPeers(infoHash: target, want: [.n4, .n6], number: 0x6161_6262, into: &$1) } == """
                d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:wantl2:n42:n6ee\
                1:q9:get_peers1:t4:aabb1:v4:MN011:y1:qe
                """)
        let token = Array("aoeusnth".utf8)
        #expect(
            try encoded {
                $0.announcePeer(
                    infoHash: target, port: 6881, impliedPort: true, token: token, number: 0x6161_6262, into: &$1)
            } == """
                d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e\
                5:token8:aoeusnthe1:q13:announce_peer1:t4:aabb1:v4:MN011:y1:qe
                """)
    }

    @Test func readOnlyNodesSaySo() throws {
        var encoder = encoder
        encoder.isReadOnly = true
        var bytes: [UInt8] = []
        encoder.ping(number: 1, into: &bytes)
        #expect(try Packet(bytes).message.isReadOnly)
        try expectCanonical(bytes)
    }

    @Test func repliesAndErrorsEchoTheTransaction() throws {
        let packet = Array("..xyz..".utf8)
        let observed = Endpoint.v4(65, 65, 65, 65, port: 0x4242)
        let content = ReplyContent(token: 0x6162_6364_6566_6768, values: [.v4(97, 120, 106, 101, port: 0x2E75)])
        #expect(
            try encoded { $0.reply(content, to: 2..<5, of: packet.span.bytes, observed: observed, into: &$1) } == """
                d2:ip6:AAAABB1:rd2:id20:abcdefghij01234567895:token8:abcdefgh6:valuesl6:axje.uee\
                1:t3:xyz1:v4:MN011:y1:re
                """)
        #expect(
            try encoded { $0.reply(to: 3..<3, of: packet.span.bytes, into: &$1) }
                == "d1:rd2:id20:abcdefghij0123456789e1:t0:1:v4:MN011:y1:re")
        #expect(
            try encoded {
                $0.error(
                    .methodUnknown, Refusal.unknownMethod.text, to: 2..<5, of: packet.span.bytes, observed: observed,
                    into: &$1)
            } == "d1:eli204e14:method unknowne2:ip6:AAAABB1:t3:xyz1:v4:MN011:y1:ee")
    }

    @Test func queryNumbersComeBack() throws {
        var query: [UInt8] = []
        encoder.ping(number: 0xFEDC_BA98, into: &query)
        let asked = try Packet(query)
        var reply: [UInt8] = []
        encoder.reply(to: asked.message.transaction, of: query.span.bytes, into: &reply)
        let answer = try Packet(reply)
        #expect(answer.message.queryNumber(in: reply.span.bytes) == 0xFEDC_BA98)
        let foreign = try Packet("d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re")
        #expect(foreign.message.queryNumber(in: foreign.bytes.span.bytes) == nil)
    }

    @Test func whatIsEncodedIsDecoded() throws {
        var generator = SeededGenerator(number: 5)
        for _ in 0..<300 {
            let content = ReplyContent.random(using: &generator)
            let packet = generator.bytes(count: 20)
            let transaction = 0..<Int.random(in: 0...20, using: &generator)
            var bytes = generator.bytes(count: 3)
            let observed = Bool.random(using: &generator) ? Endpoint.random(.v6, using: &generator) : nil
            encoder.reply(content, to: transaction, of: packet.span.bytes, observed: observed, into: &bytes)
            bytes.removeFirst(3)
            let reply = try Packet(bytes)
            try expectCanonical(bytes)
            #expect(Array(bytes[reply.message.transaction]) == Array(packet[transaction]))
            #expect(reply.message.observedEndpoint == observed)
            let response = try reply.response()
            #expect(response.id == encoder.id)
            #expect(reply.contacts(response.nodes) == content.nodes ?? [])
            #expect(reply.contacts(response.nodes6) == content.nodes6 ?? [])
            #expect(reply.peers(response) == content.values)
            #expect(
                response.token.map { bytes.span.bytes.bigEndian(at: $0.lowerBound, as: UInt64.self) } == content.token)
            #expect(response.token.map(\.count) == content.token.map { _ in 8 })
            #expect(
                MessageEncoder.byteCount(of: content, transactionByteCount: transaction.count, observed: observed)
                    == bytes.count)
        }
    }

    @Test(arguments: [Endpoint.Family.v4, .v6])
    func asManyValuesFitAsAreSaidTo(family: Endpoint.Family) {
        var generator = SeededGenerator(number: 6)
        let packet = generator.bytes(count: 20)
        for _ in 0..<200 {
            var content = ReplyContent.random(using: &generator)
            content.values = []
            let transaction = 0..<Int.random(in: 0...20, using: &generator)
            let observed = Bool.random(using: &generator) ? Endpoint.random(family, using: &generator) : nil
            let count = MessageEncoder.valuesThatFit(
                family, beside: content, transactionByteCount: transaction.count, observed: observed)
            let byteCount = { (valueCount: Int) in
                var filled = content
                filled.values = Array(repeating: .random(family, using: &generator), count: valueCount)
                var bytes: [UInt8] = []
                encoder.reply(filled, to: transaction, of: packet.span.bytes, observed: observed, into: &bytes)
                return bytes.count
            }
            #expect(byteCount(count) <= KRPCLimits.messageByteCount)
            #expect(byteCount(count + 1) > KRPCLimits.messageByteCount)
        }
    }

    @Test func noValuesFitIntoNothing() {
        #expect(MessageEncoder.valuesThatFit(.v4, beside: ReplyContent(), transactionByteCount: 4, limit: 30) == 0)
    }

    private func encoded(_ encode: (MessageEncoder, inout [UInt8]) -> Void) throws -> String {
        var bytes: [UInt8] = []
        encode(encoder, &bytes)
        try expectCanonical(bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Apart from the others: a process that is being started holds their locks on files for a moment.
@Suite struct EncoderExitTests {
    @Test func contactsInTheListOfTheOtherFamilyAreABug() async {
        await #expect(processExitsWith: .failure) {
            let contact = Contact(id: .zero, endpoint: .v6(EndpointV6(high: 1, low: 1, port: 1)))
            let packet: [UInt8] = []
            var bytes: [UInt8] = []
            MessageEncoder(id: .zero).reply(
                ReplyContent(nodes: [contact]), to: 0..<0, of: packet.span.bytes, into: &bytes)
        }
    }
}

extension ReplyContent {
    static func random(using generator: inout SeededGenerator) -> ReplyContent {
        ReplyContent(
            nodes: Bool.random(using: &generator) ? contacts(.v4, using: &generator) : nil,
            nodes6: Bool.random(using: &generator) ? contacts(.v6, using: &generator) : nil,
            token: Bool.random(using: &generator) ? generator.next() : nil,
            values: (0..<Int.random(in: 0..<12, using: &generator)).map { _ in
                .random(Bool.random(using: &generator) ? .v4 : .v6, using: &generator)
            })
    }

    private static func contacts(_ family: Endpoint.Family, using generator: inout SeededGenerator) -> [Contact] {
        (0..<Int.random(in: 0...8, using: &generator)).map { _ in
            Contact(id: .random(using: &generator), endpoint: .random(family, using: &generator))
        }
    }
}

extension Endpoint {
    static func random(_ family: Family, using generator: inout SeededGenerator) -> Endpoint {
        let count = family == .v4 ? compactByteCountV4 : compactByteCountV6
        let bytes = generator.bytes(count: count)
        return family == .v4 ? .compactV4(bytes.span.bytes, at: 0) : .compactV6(bytes.span.bytes, at: 0)
    }
}
