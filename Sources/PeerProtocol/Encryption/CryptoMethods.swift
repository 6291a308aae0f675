/// What may follow an encryption handshake, as the bits of crypto_provide and crypto_select.
package struct CryptoMethods: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Nothing: only the handshakes are hidden.
    package static let plaintext = CryptoMethods(rawValue: 1)
    /// Everything is encrypted with RC4.
    package static let rc4 = CryptoMethods(rawValue: 2)
}
