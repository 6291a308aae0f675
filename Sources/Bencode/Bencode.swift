// Bencoding (BEP 3): four kinds of value, each telling its own length.
//
//     integer      i-3e           64 bits, no leading zeros, no negative zero
//     string       4:spam         bytes, not text
//     list         l4:spami7ee    values up to `e`
//     dictionary   d3:cow3:mooe   pairs of a string and a value up to `e`
//
// Reading: a `BencodeReader` walks bytes that stay where they are. It hands out integers and ranges, allocates
// nothing, never recurses and never traps on what it reads; every call takes the bytes anew, since a span cannot be
// stored. Its limits bound the work that hostile input can cause.
//
// Tolerance: keys may come in any order and more than once (the reader's user decides what a repeated key means),
// because others send such packets. A number that is read has one spelling only, here as in the reference
// implementation; one that is skipped may be of any size.
//
// Writing: a `BencodeWriter` appends canonical bencoding, provided that the caller writes keys in ascending order.

/// What a token begins.
package enum BencodeKind: Hashable, Sendable {
    case integer, string, list, dictionary
    /// The `e` that closes the innermost list or dictionary.
    case end
}

/// How much structure one reader accepts.
///
/// Lengths need no limit: a string cannot be longer than the bytes at hand.
package struct BencodeLimits: Hashable, Sendable {
    /// How many lists and dictionaries may be open at once; at most 128, the width of the reader's stack.
    package var depth: Int
    /// How many integers, strings (keys included), lists and dictionaries may be read.
    package var tokens: Int

    package init(depth: Int, tokens: Int) {
        self.depth = min(max(depth, 0), 128)
        self.tokens = max(tokens, 0)
    }

    /// One datagram or one extension message: the largest honest one, a reply with 100 peers, has about 120 tokens.
    package static let packet = BencodeLimits(depth: 32, tokens: 500)
    /// A .torrent file or an info dictionary: a file in it costs about eight tokens.
    package static let torrent = BencodeLimits(depth: 100, tokens: 3_000_000)
}

/// Why bytes are not acceptable bencoding; offsets count from the start of the span.
package enum BencodeError: Error, Hashable, Sendable {
    /// The bytes end within a value, or a string claims more bytes than there are.
    case truncated
    case unexpectedByte(at: Int)
    /// A leading zero or a negative zero.
    case notCanonical(at: Int)
    /// An integer outside 64 bits.
    case integerOutOfRange(at: Int)
    case tooDeep(at: Int)
    case tooManyTokens(at: Int)
    /// Something follows the one value that was expected.
    case trailingBytes(at: Int)
}

extension BencodeError: CustomStringConvertible {
    /// What is wrong, and where, in words that fit behind "not valid bencoding:".
    package var description: String {
        switch self {
        case .truncated: "it ends in the middle of a value"
        case .unexpectedByte(let offset): "no value can begin, go on or end with what is at byte \(offset)"
        case .notCanonical(let offset): "the number at byte \(offset) has a leading zero or is a negative zero"
        case .integerOutOfRange(let offset): "the number at byte \(offset) does not fit into 64 bits"
        case .tooDeep(let offset): "lists and dictionaries are nested too deeply at byte \(offset)"
        case .tooManyTokens(let offset): "there are too many values: those from byte \(offset) on are beyond the limit"
        case .trailingBytes(let offset): "something follows behind its end at byte \(offset)"
        }
    }
}
