import Bencode

/// A `BencodeReader` whose complaints name the field.
struct MetainfoReader {
    private var reader: BencodeReader

    /// Six tokens a file, so that `MetainfoLimits.files` is what bounds the files.
    private static let limits = BencodeLimits(depth: 100, tokens: 8 * MetainfoLimits.files)

    init(_ bytes: RawSpan) {
        reader = BencodeReader(bytes, limits: Self.limits)
    }

    mutating func enterDictionary(_ field: MetainfoField, in bytes: RawSpan) throws(MetainfoError) {
        try expect(.dictionary, field, in: bytes)
        do { try reader.enterDictionary(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func enterList(_ field: MetainfoField, in bytes: RawSpan) throws(MetainfoError) {
        try expect(.list, field, in: bytes)
        do { try reader.enterList(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func integer(_ field: MetainfoField, in bytes: RawSpan) throws(MetainfoError) -> Int64 {
        try expect(.integer, field, in: bytes)
        do { return try reader.integer(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func string(_ field: MetainfoField, in bytes: RawSpan) throws(MetainfoError) -> Range<Int> {
        try expect(.string, field, in: bytes)
        do { return try reader.string(in: bytes) } catch { throw .malformed(error) }
    }

    func kind(in bytes: RawSpan) throws(MetainfoError) -> BencodeKind {
        do { return try reader.kind(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func integerOrSkip(in bytes: RawSpan) throws(MetainfoError) -> Int64? {
        do { return try reader.integerOrSkip(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func stringOrSkip(in bytes: RawSpan) throws(MetainfoError) -> Range<Int>? {
        do { return try reader.stringOrSkip(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func enterListOrSkip(in bytes: RawSpan) throws(MetainfoError) -> Bool {
        do { return try reader.enterListOrSkip(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func nextKey(in bytes: RawSpan) throws(MetainfoError) -> Range<Int>? {
        do { return try reader.nextKey(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func nextElement(in bytes: RawSpan) throws(MetainfoError) -> Bool {
        do { return try reader.nextElement(in: bytes) } catch { throw .malformed(error) }
    }

    mutating func skip(in bytes: RawSpan) throws(MetainfoError) -> Range<Int> {
        do { return try reader.skip(in: bytes) } catch { throw .malformed(error) }
    }

    func finish() throws(MetainfoError) {
        do { try reader.finish() } catch { throw .malformed(error) }
    }

    private func expect(_ kind: BencodeKind, _ field: MetainfoField, in bytes: RawSpan) throws(MetainfoError) {
        let found: BencodeKind
        do { found = try reader.kind(in: bytes) } catch { throw .malformed(error) }
        guard found == kind else { throw .wrongType(field) }
    }
}

extension RawSpan {
    /// Text as the network sent it, with what is not UTF-8 repaired.
    func text(_ range: Range<Int>) -> String {
        extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
