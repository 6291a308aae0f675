// The messages of the DHT (BEP 5, with the IPv6 forms of BEP 32, filters of BEP 33, `ip` of BEP 42, `ro` of BEP 43,
// items of BEP 44 and samples of BEP 51).
//
// In: `Message.decode` reads one datagram into a plain value that holds numbers, ids and ranges into the datagram.
// It allocates nothing; whoever keeps bytes beyond the datagram copies them. A `Message` is a query, a response or
// an error; lists of contacts and peers are read from the datagram one by one through `CompactNodes`, `PeerValues`.
//
// Out: a `MessageEncoder`, which knows who we are, appends queries, responses and errors to an array of bytes.
//
// What others get wrong and is accepted: keys in any order, keys that nobody knows, missing `v`, replies without a
// token, nodes or values, values of odd sizes (passed over), an optional field of the wrong kind or size (as if
// absent). Of a repeated key, the first usable value counts.

package import Bencode

/// Lengths that bound what we send and what we take.
package enum KRPCLimits {
    /// No message that we send is longer (BEP 32, "Maximum packet size"); longer ones are read all the same.
    package static let messageByteCount = 1024
    /// But those that carry an item's value, which alone may have 1,000 bytes (docs/decisions/0006).
    package static let itemMessageByteCount = 1280
    /// Others must echo what we send, so we echo what they send, up to here: the longest seen are 8 bytes.
    package static let transactionByteCount = 20
    /// A longer token counts as absent; known implementations give 4, 8 or 20 bytes.
    package static let tokenByteCount = 64
    /// BEP 44 says both "less than 1000" and "at most 1000".
    package static let valueByteCount = 1000
    package static let saltByteCount = 64
    /// Ed25519.
    package static let keyByteCount = 32
    package static let signatureByteCount = 64
    /// BEP 33.
    package static let filterByteCount = 256
    /// Seconds (BEP 51).
    package static let longestSampleInterval = 21_600
}

/// Why a datagram is no message; nothing is answered, except to a refused query.
package enum KRPCError: Error, Hashable, Sendable {
    /// Not one bencoded dictionary.
    case malformed(BencodeError)
    /// `t` is missing, not a string, or too long to echo.
    case missingTransaction
    /// `y` is missing or none of `q`, `r` and `e`.
    case unknownKind
    /// A response without the responder's id.
    case missingResponseID
    /// A query that can be answered with an error: its transaction, and what is wrong.
    case refused(transaction: Range<Int>, Refusal)
}

/// What is wrong with a query that has a transaction.
package enum Refusal: Error, Hashable, Sendable {
    case missingMethod, missingArguments, missingID, missingTarget, missingInfoHash, missingToken, invalidPort
    /// Of a put (BEP 44).
    case missingValue, incompleteSignature, valueTooBig, saltTooBig
    /// Unknown, and without a `target` or `info_hash` by which to answer it like a find_node.
    case unknownMethod

    package var code: ErrorCode {
        switch self {
        case .unknownMethod: .methodUnknown
        case .valueTooBig: .valueTooBig
        case .saltTooBig: .saltTooBig
        default: .protocol
        }
    }

    /// The message to send along with the code.
    package var text: StaticString {
        switch self {
        case .missingMethod: "missing q"
        case .missingArguments: "missing a"
        case .missingID: "missing or malformed id"
        case .missingTarget: "missing or malformed target"
        case .missingInfoHash: "missing or malformed info_hash"
        case .missingToken: "missing or malformed token"
        case .invalidPort: "missing or invalid port"
        case .missingValue: "missing v"
        case .incompleteSignature: "k, sig and seq go together, of 32 bytes, 64 bytes and an integer"
        case .valueTooBig: "v is longer than 1000 bytes"
        case .saltTooBig: "salt is longer than 64 bytes"
        case .unknownMethod: "method unknown"
        }
    }
}

/// The number in an error message (BEP 5); others may send any.
package struct ErrorCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let generic = ErrorCode(rawValue: 201)
    package static let server = ErrorCode(rawValue: 202)
    /// A malformed packet, invalid arguments, or a bad token.
    package static let `protocol` = ErrorCode(rawValue: 203)
    package static let methodUnknown = ErrorCode(rawValue: 204)
    // Of a put (BEP 44).
    package static let valueTooBig = ErrorCode(rawValue: 205)
    package static let badSignature = ErrorCode(rawValue: 206)
    package static let saltTooBig = ErrorCode(rawValue: 207)
    /// What is stored has another sequence number than the expected one.
    package static let unexpectedSequence = ErrorCode(rawValue: 301)
    /// What is stored is newer.
    package static let sequenceTooLow = ErrorCode(rawValue: 302)
}
