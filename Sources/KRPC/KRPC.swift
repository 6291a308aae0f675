// The messages of the DHT (BEP 5, with the IPv6 forms of BEP 32, `ro` of BEP 43 and `ip` of BEP 42).
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
    /// Others must echo what we send, so we echo what they send, up to here: the longest seen are 8 bytes.
    package static let transactionByteCount = 20
    /// A longer token counts as absent; known implementations give 4, 8 or 20 bytes.
    package static let tokenByteCount = 64
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
    /// Unknown, and without a `target` or `info_hash` by which to answer it like a find_node.
    case unknownMethod

    package var code: ErrorCode { self == .unknownMethod ? .methodUnknown : .protocol }

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
}
