/// What a peer did that ends its connection before there is a `Session`.
package enum EncryptionFault: Error, Hashable, Sendable {
    /// The handshake of BEP 3 came, but encryption is required.
    case plaintextRefused
    /// Something else came, but encryption is off.
    case encryptionRefused
    /// A public key whose secret everyone knows, or that is no remainder of the prime.
    case weakKey
    /// The pad after the peer's key does not end within `EncryptionHandshake.padBytesMax`: another service, or a peer
    /// that encrypts for another torrent.
    case noSynchronisation
    /// No torrent of ours has the hash that was asked for; for the owner, who looks it up.
    case unknownTorrent
    /// What follows the torrent's hash is not encrypted for that torrent.
    case failedVerification
    /// We allow none of the methods that are offered.
    case noCommonMethod(CryptoMethods)
    /// The answer names no method, more than one, or one that was not offered.
    case invalidSelection(CryptoMethods)
    /// The announced length of an encrypted pad is above `EncryptionHandshake.padBytesMax`.
    case padTooLong(Int)

    package var scope: PeerFault.Scope {
        switch self {
        case .plaintextRefused, .encryptionRefused, .noSynchronisation, .unknownTorrent, .failedVerification,
            .noCommonMethod, .invalidSelection:
            .dropPeer
        case .weakKey, .padTooLong: .distrustPeer
        }
    }
}
