/// Which connections are encrypted, ours and those of others: the option `--encryption`.
package enum EncryptionPolicy: String, CaseIterable, Hashable, Sendable {
    /// Whatever gets through: plaintext first, because it costs nothing, then encrypted. Others choose as they like.
    case prefer
    /// Nothing but RC4 in either direction.
    case require
    /// Nothing but plaintext in either direction.
    case off

    /// How a connection begins.
    package enum Opening: Hashable, Sendable {
        /// With the handshake of BEP 3.
        case plaintext
        /// With an `EncryptionHandshake`.
        case encrypted
    }

    /// How to call a peer, one connection after the other.
    ///
    /// The next is due when the peer took the connection and ended it before its handshake was there. Who is known to
    /// want encryption (PEX flag 0x01, or it worked before) is called that way first.
    package func openings(peerWantsEncryption: Bool = false) -> [Opening] {
        switch self {
        case .prefer: peerWantsEncryption ? [.encrypted, .plaintext] : [.plaintext, .encrypted]
        case .require: [.encrypted]
        case .off: [.plaintext]
        }
    }

    /// Whether a peer that calls may begin like this.
    package func accepts(_ opening: Opening) -> Bool {
        openings().contains(opening)
    }

    /// What we provide when we call, and take when we are called, after an encryption handshake.
    package var methods: CryptoMethods {
        switch self {
        case .prefer: [.plaintext, .rc4]
        case .require: .rc4
        case .off: []
        }
    }

    /// One of what the peer `offered`, `preferred` if it can be; nil if there is nothing in common.
    func choice(from offered: CryptoMethods, preferring preferred: CryptoMethods) -> CryptoMethods? {
        let common = methods.intersection(offered)
        return [preferred, .plaintext, .rc4].first { !$0.isEmpty && common.isSuperset(of: $0) }
    }
}
