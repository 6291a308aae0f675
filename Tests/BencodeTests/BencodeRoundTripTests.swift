import Bencode
import Primitives
import Testing

/// A value as a tree: what a walk with the reader finds, or what the writer is told to write.
indirect enum Tree: Equatable {
    case integer(Int64)
    case string([UInt8])
    case list([Tree])
    /// Keys in ascending order, each once.
    case dictionary([Pair])

    struct Pair: Equatable {
        var key: [UInt8]
        var value: Tree
    }

    static func random(depth: Int, using generator: inout SeededGenerator) -> Tree {
        switch UInt8.random(in: 0..<(depth > 0 ? 4 : 2), using: &generator) {
        case 0:
            return .integer(
                Int64.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<64, using: &generator))
        case 1: return .string(generator.bytes(count: Int.random(in: 0..<120, using: &generator)))
        case 2:
            return .list(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) })
        default:
            var pairs: [Pair] = []
            for letter in UInt8(ascii: "a")..<UInt8(ascii: "f") where Bool.random(using: &generator) {
                let key = [letter] + generator.bytes(count: Int.random(in: 0..<20, using: &generator))
                pairs.append(Pair(key: key, value: random(depth: depth - 1, using: &generator)))
            }
            return .dictionary(pairs)
        }
    }

    init(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        switch try reader.kind(in: bytes) {
        case .integer: self = .integer(try reader.integer(in: bytes))
        case .string: self = .string(bytes.copy(try reader.string(in: bytes)))
        case .list:
            var elements: [Tree] = []
            try reader.enterList(in: bytes)
            while try reader.nextElement(in: bytes) { elements.append(try Tree(&reader, in: bytes)) }
            self = .list(elements)
        case .dictionary:
            var pairs: [Pair] = []
            try reader.enterDictionary(in: bytes)
            while let key = try reader.nextKey(in: bytes) {
                pairs.append(Pair(key: bytes.copy(key), value: try Tree(&reader, in: bytes)))
            }
            self = .dictionary(pairs)
        case .end: throw .unexpectedByte(at: reader.offset)
        }
    }

    func write(to writer: inout BencodeWriter) {
        switch self {
        case .integer(let value): writer.integer(value)
        case .string(let content): writer.string(content)
        case .list(let elements):
            writer.beginList()
            for element in elements { element.write(to: &writer) }
            writer.end()
        case .dictionary(let pairs):
            writer.beginDictionary()
            for pair in pairs {
                writer.key(pair.key)
                pair.value.write(to: &writer)
            }
            writer.end()
        }
    }
}

@Suite struct BencodeRoundTripTests {
    @Test func whatIsWrittenIsRead() throws {
        var generator = SeededGenerator(number: 3)
        for _ in 0..<500 {
            let tree = Tree.random(depth: 4, using: &generator)
            var writer = BencodeWriter()
            tree.write(to: &writer)
            let span = writer.bytes.span.bytes
            var reader = BencodeReader(span, limits: .torrent)
            #expect(try Tree(&reader, in: span) == tree)
            try reader.finish()
            reader = BencodeReader(span, limits: .torrent)
            #expect(try reader.skip(in: span) == 0..<span.byteCount)
        }
    }

    @Test func everyTruncationIsNoticed() {
        var generator = SeededGenerator(number: 4)
        for _ in 0..<20 {
            let tree = Tree.list([Tree.random(depth: 3, using: &generator)])
            var writer = BencodeWriter()
            tree.write(to: &writer)
            for count in writer.bytes.indices {
                var reader = BencodeReader(writer.bytes.span.bytes, in: 0..<count, limits: .torrent)
                #expect(throws: BencodeError.truncated) { try reader.skip(in: writer.bytes.span.bytes) }
            }
        }
    }
}
