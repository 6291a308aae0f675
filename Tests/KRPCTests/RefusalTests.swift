import Bencode
import KRPC
import Primitives
import Testing

/// What is no message, and which of it gets an answer.
@Suite struct RefusalTests {
    @Test(arguments: [
        ("1:q4:ping", Refusal.missingArguments), ("1:a2:id1:q4:ping", .missingArguments),
        ("1:ale1:q4:ping", .missingArguments),
        ("1:ade1:q4:ping", .missingID), ("1:ad2:id19:bcdefghij0123456789e1:q4:ping", .missingID),
        ("1:ad2:idi7ee1:q4:ping", .missingID),
        ("1:ad2:id20:abcdefghij0123456789e", .missingMethod),
        ("1:ad2:id20:abcdefghij0123456789e1:qi1e", .missingMethod),
        ("1:ad2:id20:abcdefghij0123456789e1:q9:find_node", .missingTarget),
        ("1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:find_node", .missingTarget),
        ("1:ad2:id20:abcdefghij01234567896:target1:xe1:q9:find_node", .missingTarget),
        ("1:ad2:id20:abcdefghij0123456789e1:q9:get_peers", .missingInfoHash),
        ("1:ad2:id20:abcdefghij01234567894:porti1e5:token1:xe1:q13:announce_peer", .missingInfoHash),
        (
            "1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti1ee1:q13:announce_peer",
            .missingToken
        ),
        (
            "1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234565:token1:xe1:q13:announce_peer",
            .invalidPort
        ),
        ("1:ad6:target20:mnopqrstuvwxyz123456e1:q4:vote", .missingID),
        ("1:ad2:id20:abcdefghij0123456789e1:q4:vote", .unknownMethod), ("1:ade1:q4:vote", .unknownMethod),
    ])
    func queriesThatLackSomethingNameTheirTransaction(text: String, refusal: Refusal) {
        let bytes = Array("d\(text)1:t2:aa1:y1:qe".utf8)
        let transaction = (bytes.count - 9)..<(bytes.count - 7)
        #expect(throws: KRPCError.refused(transaction: transaction, refusal)) { try Message.decode(bytes.span.bytes) }
        #expect(String(decoding: bytes[transaction], as: UTF8.self) == "aa")
        #expect(refusal.code == (refusal == .unknownMethod ? .methodUnknown : .protocol))
    }

    @Test(arguments: ["i0e", "i-1e", "i65536e", "i9223372036854775807e", "i99999999999999999999e", "4:6881", "le"])
    func portsOutOfRangeAreRefused(port: String) {
        let bytes = Array(ToleranceTests.announce(port: port, implied: "", token: "1:x").utf8)
        #expect {
            try Message.decode(bytes.span.bytes)
        } throws: { error in
            guard case .refused(_, .invalidPort)? = error as? KRPCError else { return false }
            return true
        }
    }

    @Test(arguments: [
        ("", BencodeError.truncated), ("d", .truncated), ("le", .unexpectedByte(at: 0)),
        ("i1e", .unexpectedByte(at: 0)),
        ("4:spam", .unexpectedByte(at: 0)), ("garbage", .unexpectedByte(at: 0)), ("di1ei2ee", .unexpectedByte(at: 1)),
        ("d1:t2:aa1:y1:qee", .trailingBytes(at: 15)), ("d1:t2:aa1:y1:qe\n", .trailingBytes(at: 15)),
        ("d1:t2:aa1:y1:q", .truncated), ("d1:t02:aa1:y1:qe", .notCanonical(at: 4)),
    ])
    func whatIsNotOneDictionaryIsMalformed(text: String, error: BencodeError) {
        #expect(throws: KRPCError.malformed(error)) { try Packet(text) }
    }

    @Test(arguments: ["", "1:y1:x", "1:y0:", "1:y2:qr", "1:yi1e", "1:yle", "1:y5:query"])
    func anotherKindOfMessageIsUnknown(text: String) {
        #expect(throws: KRPCError.unknownKind) {
            try Packet("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa\(text)e")
        }
    }

    @Test(arguments: ["", "1:rde", "1:rle", "1:r0:", "1:rd2:id19:bcdefghij0123456789e", "1:rd5:token2:hme"])
    func responsesNeedAnID(text: String) {
        #expect(throws: KRPCError.missingResponseID) { try Packet("d\(text)1:t2:aa1:y1:re") }
    }

    @Test func aTransactionIsNeededFirst() {
        #expect(throws: KRPCError.missingTransaction) { try Packet("d1:ade1:q4:ping1:y1:qe") }
        #expect(throws: KRPCError.missingTransaction) { try Packet("de") }
    }

    @Test func nestingAndTokensAreBounded() {
        let deep = String(repeating: "l", count: 32) + String(repeating: "e", count: 32)
        #expect(throws: KRPCError.malformed(.tooDeep(at: 35))) { try Packet("d1:Z\(deep)1:t2:aa1:y1:qe") }
        let many = String(repeating: "0:", count: 500)
        #expect {
            try Packet("d1:Zl\(many)e1:t2:aa1:y1:qe")
        } throws: { error in
            guard case .malformed(.tooManyTokens)? = error as? KRPCError else { return false }
            return true
        }
    }
}
