import Bencode
import Testing

@Suite struct BencodeReaderTests {
    @Test(arguments: [
        ("i0e", 0), ("i-1e", -1), ("i42e", 42), ("i9223372036854775807e", Int64.max),
        ("i-9223372036854775808e", Int64.min),
    ])
    func readsIntegers(text: String, value: Int64) throws {
        let bytes = Array(text.utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(try reader.integer(in: bytes.span.bytes) == value)
        try reader.finish()
    }

    @Test(arguments: [
        ("", BencodeError.truncated), ("i", .truncated), ("i1", .truncated), ("ie", .unexpectedByte(at: 1)),
        ("i-e", .unexpectedByte(at: 2)), ("i1x", .unexpectedByte(at: 2)), ("i--1e", .unexpectedByte(at: 2)),
        ("i+1e", .unexpectedByte(at: 1)), ("i 1e", .unexpectedByte(at: 1)), ("1:a", .unexpectedByte(at: 0)),
        ("i01e", .notCanonical(at: 0)), ("i00e", .notCanonical(at: 0)), ("i-0e", .notCanonical(at: 0)),
        ("i-01e", .notCanonical(at: 0)), ("i9223372036854775808e", .integerOutOfRange(at: 0)),
        ("i-9223372036854775809e", .integerOutOfRange(at: 0)), ("i99999999999999999999999e", .integerOutOfRange(at: 0)),
    ])
    func refusesOtherSpellingsOfIntegers(text: String, error: BencodeError) {
        let bytes = Array(text.utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(throws: error) { try reader.integer(in: bytes.span.bytes) }
    }

    @Test(arguments: [
        ("", BencodeError.truncated), ("4", .truncated), ("4:", .truncated), ("4:spa", .truncated),
        ("99999999999999999999999999:", .truncated), ("-1:", .unexpectedByte(at: 0)), (":", .unexpectedByte(at: 0)),
        ("1xabc", .unexpectedByte(at: 1)), ("01:a", .notCanonical(at: 0)), ("00:", .notCanonical(at: 0)),
    ])
    func refusesBrokenStrings(text: String, error: BencodeError) {
        let bytes = Array(text.utf8)
        var reader = BencodeReader(bytes.span.bytes)
        #expect(throws: error) { try reader.string(in: bytes.span.bytes) }
    }

    @Test func walksNestedContainers() throws {
        let bytes = Array("d1:al0:i7ee2:bb4:spame".utf8)
        let span = bytes.span.bytes
        var reader = BencodeReader(span)
        try reader.enterDictionary(in: span)
        #expect(try reader.nextKey(in: span) == 3..<4)
        #expect(try reader.kind(in: span) == .list)
        try reader.enterList(in: span)
        #expect(try reader.nextElement(in: span))
        #expect(try reader.string(in: span) == 7..<7)
        #expect(try reader.nextElement(in: span))
        #expect(try reader.integer(in: span) == 7)
        #expect(try !reader.nextElement(in: span))
        let key = try #require(try reader.nextKey(in: span))
        let matches = (span.matches("bb", at: key), span.matches("bc", at: key), span.matches("b", at: key))
        #expect(matches == (true, false, false))
        #expect(try reader.skip(in: span) == 15..<21)
        #expect(try reader.nextKey(in: span) == nil)
        try reader.finish()
    }
}
