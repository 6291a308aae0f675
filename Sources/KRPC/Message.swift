package import Primitives

/// One decoded datagram; ranges are offsets into the bytes that were decoded.
package struct Message: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case query(Query)
        case response(Response)
        /// Code 0 and an empty text when the sender gave none: even so, it answers a query.
        case error(ErrorCode, text: Range<Int>)
    }

    /// `t`, to be echoed exactly.
    package let transaction: Range<Int>
    package let body: Body
    /// `v`: by convention two letters for the program and two bytes for its version; of any length, though.
    package let version: Range<Int>?
    /// `ro` (BEP 43): the sender does not answer queries and belongs in no routing table.
    package let isReadOnly: Bool
    /// `ip` (BEP 42): as whom the sender saw us.
    package let observedEndpoint: Endpoint?

    /// The number by which a `MessageEncoder` marked the query that this message answers; nil when it is none of ours.
    package func queryNumber(in bytes: RawSpan) -> UInt32? {
        guard transaction.count == MemoryLayout<UInt32>.size else { return nil }
        return bytes.bigEndian(at: transaction.lowerBound, as: UInt32.self)
    }
}
