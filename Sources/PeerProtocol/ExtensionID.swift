import Primitives

/// The ids of the extended messages that we receive (BEP 10): constants, announced in our `ExtensionHandshake`.
///
/// What we send carries the ids that the peer announced.
package enum ExtensionID {
    /// The only one that is the same for everybody.
    package static let handshake: UInt8 = 0
    /// `ut_metadata` (BEP 9).
    package static let metadata: UInt8 = 1
    /// `ut_pex` (BEP 11).
    package static let peerExchange: UInt8 = 2

    /// Appends a whole extended message whose payload `body` writes.
    static func append(_ id: UInt8, to bytes: inout [UInt8], body: (inout [UInt8]) -> Void) {
        let start = bytes.count
        bytes.appendBigEndian(UInt32(0))
        bytes.append(MessageID.extended)
        bytes.append(id)
        body(&bytes)
        let length = UInt32(bytes.count - start - 4)
        for place in 0..<4 { bytes[start + place] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * place)) }
    }
}
