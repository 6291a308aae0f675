import Bencode
import Testing

@Suite struct BencodeSkipTests {
    @Test(arguments: [
        "i0e", "0:", "4:spam", "le", "de", "l4:spami7ee", "d3:cow3:moo4:spaml1:a1:bee", "ld1:ali1eeedee",
        "d1:b0:1:a0:1:a0:e",  // out of order, and twice: accepted
        "i99999999999999999999999e", "li-99999999999999999999999ei007ei-0ee",  // of any size and spelling
    ])
    func passesOverOneValue(text: String) throws {
        let bytes = Array(text.utf8) + Array("tail".utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(try reader.skip(in: bytes.span.bytes) == 0..<text.utf8.count)
        #expect(throws: BencodeError.trailingBytes(at: text.utf8.count)) { try reader.finish() }
    }

    @Test(arguments: [
        ("", BencodeError.truncated), ("l", .truncated), ("d", .truncated), ("d1:a", .truncated),
        ("l4:spa", .truncated),
        ("ll", .truncated), ("e", .unexpectedByte(at: 0)), ("x", .unexpectedByte(at: 0)),
        ("lx", .unexpectedByte(at: 1)),
        ("di1ei2ee", .unexpectedByte(at: 1)), ("dle0:e", .unexpectedByte(at: 1)), ("d1:ae", .unexpectedByte(at: 4)),
        ("d1:a0:1:be", .unexpectedByte(at: 9)), ("li-ee", .unexpectedByte(at: 3)), ("lie", .unexpectedByte(at: 2)),
        ("l00:e", .notCanonical(at: 1)),
    ])
    func refusesBrokenStructure(text: String, error: BencodeError) {
        let bytes = Array(text.utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(throws: error) { try reader.skip(in: bytes.span.bytes) }
    }

    @Test func readsWhatIsAskedForOrSkips() throws {
        let bytes = Array("i1e1:ale".utf8) + Array("dei2e".utf8)
        let span = bytes.span.bytes
        var reader = BencodeReader(span)
        #expect(try reader.stringOrSkip(in: span) == nil)
        #expect(try reader.integerOrSkip(in: span) == nil)
        #expect(try !reader.enterDictionaryOrSkip(in: span))
        #expect(try !reader.enterListOrSkip(in: span))
        #expect(try reader.integerOrSkip(in: span) == 2)
        try reader.finish()

        let odd = Array("i99999999999999999999ei-0ei3e".utf8)
        reader = BencodeReader(odd.span.bytes)
        #expect(try reader.integerOrSkip(in: odd.span.bytes) == nil)
        #expect(try reader.integerOrSkip(in: odd.span.bytes) == nil)
        #expect(try reader.integerOrSkip(in: odd.span.bytes) == 3)

        let others = Array("1:aldeed1:b0:e".utf8)
        let otherSpan = others.span.bytes
        reader = BencodeReader(otherSpan)
        #expect(try reader.stringOrSkip(in: otherSpan) == 2..<3)
        #expect(try reader.enterListOrSkip(in: otherSpan))
        #expect(try reader.nextElement(in: otherSpan))
        #expect(try reader.skip(in: otherSpan) == 4..<6)
        #expect(try !reader.nextElement(in: otherSpan))
        #expect(try reader.enterDictionaryOrSkip(in: otherSpan))
        #expect(try reader.nextKey(in: otherSpan) == 10..<11)
    }

    @Test func staysWithinItsPartOfTheBytes() {
        let bytes = Array("l4:spam4:eggse".utf8)
        var reader = BencodeReader(bytes.span.bytes, in: 1..<6)
        #expect(throws: BencodeError.truncated) { try reader.string(in: bytes.span.bytes) }
        reader = BencodeReader(bytes.span.bytes, in: 7..<13)
        #expect(throws: Never.self) {
            let content = try reader.string(in: bytes.span.bytes)
            #expect(content == 9..<13)
            try reader.finish()
        }
    }
}

@Suite struct BencodeLimitTests {
    static func nested(_ depth: Int) -> [UInt8] {
        Array(String(repeating: "l", count: depth).utf8) + Array(String(repeating: "e", count: depth).utf8)
    }

    @Test(arguments: [BencodeLimits.packet, .torrent, BencodeLimits(depth: 128, tokens: 1000)])
    func depthIsReachedButNotExceeded(limits: BencodeLimits) throws {
        let deepest = Self.nested(limits.depth)
        var reader = BencodeReader(deepest.span.bytes, limits: limits)
        #expect(try reader.skip(in: deepest.span.bytes) == 0..<deepest.count)

        let deeper = Self.nested(limits.depth + 1)
        reader = BencodeReader(deeper.span.bytes, limits: limits)
        #expect(throws: BencodeError.tooDeep(at: limits.depth)) { try reader.skip(in: deeper.span.bytes) }
        reader = BencodeReader(deeper.span.bytes, limits: limits)
        #expect(throws: BencodeError.tooDeep(at: limits.depth)) {
            while true { try reader.enterList(in: deeper.span.bytes) }
        }
    }

    /// Siblings are not deeper than each other: leaving a container gives its level back.
    @Test func depthCountsOpenContainersOnly() throws {
        let bytes = Array("l".utf8) + Array(String(repeating: "led1:alee", count: 20).utf8) + Array("e".utf8)
        var reader = BencodeReader(bytes.span.bytes, limits: BencodeLimits(depth: 3, tokens: 500))
        #expect(try reader.skip(in: bytes.span.bytes) == 0..<bytes.count)
        reader = BencodeReader(bytes.span.bytes, limits: BencodeLimits(depth: 2, tokens: 500))
        #expect(throws: BencodeError.tooDeep(at: 7)) { try reader.skip(in: bytes.span.bytes) }
    }

    @Test func noLimitExceedsTheStack() {
        #expect(BencodeLimits(depth: .max, tokens: -1) == BencodeLimits(depth: 128, tokens: 0))
    }

    @Test func tokensAreReachedButNotExceeded() throws {
        let bytes = Array("d1:ali1ei2ee1:b0:e".utf8)  // the dictionary, two keys, a list, two integers, a string
        var reader = BencodeReader(bytes.span.bytes, limits: BencodeLimits(depth: 9, tokens: 7))
        #expect(try reader.skip(in: bytes.span.bytes) == 0..<bytes.count)
        reader = BencodeReader(bytes.span.bytes, limits: BencodeLimits(depth: 9, tokens: 6))
        #expect(throws: BencodeError.tooManyTokens(at: 15)) { try reader.skip(in: bytes.span.bytes) }
    }

    @Test func aPacketOfTheTightestTokensIsRefused() {
        let bytes = Array("l".utf8) + Array(String(repeating: "0:", count: 700).utf8) + Array("e".utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(throws: BencodeError.tooManyTokens(at: 999)) { try reader.skip(in: bytes.span.bytes) }
    }

    @Test func longStringsAreAsGoodAsShortOnes() throws {
        for count in [0, 9, 10, 99, 100, 65_535, 1_000_000] {
            var writer = BencodeWriter()
            writer.string([UInt8](repeating: 7, count: count))
            var reader = BencodeReader(writer.bytes.span.bytes)
            #expect(try reader.string(in: writer.bytes.span.bytes).count == count)
            try reader.finish()
        }
    }
}
