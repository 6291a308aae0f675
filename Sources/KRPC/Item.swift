/// An item of the DHT's store (BEP 44), ready to be sent or as it was received.
package struct Item: Hashable, Sendable {
    /// What makes an item mutable: who may change it, and that he did.
    package struct Signed: Hashable, Sendable {
        /// Ed25519, 32 bytes.
        package var key: [UInt8]
        /// Tells several items of one key apart; empty for none, at most 64 bytes.
        package var salt: [UInt8]
        package var sequence: Int64
        /// Ed25519 over `signable`, 64 bytes.
        package var signature: [UInt8]

        package init(key: [UInt8], salt: [UInt8] = [], sequence: Int64, signature: [UInt8]) {
            self.key = key
            self.salt = salt
            self.sequence = sequence
            self.signature = signature
        }
    }

    /// Any bencoded value of at most `KRPCLimits.valueByteCount` bytes, exactly as it is hashed or signed.
    package var value: [UInt8]
    /// Nil for an immutable item.
    package var signed: Signed?

    package init(value: [UInt8], signed: Signed? = nil) {
        self.value = value
        self.signed = signed
    }
}
