import Digest
import Primitives

/// What both sides derive from the secret of their key exchange, called S by MSE, and from the infohash, its SKEY.
struct SharedSecret: Sendable {
    /// The key streams of the two directions.
    enum Direction: String {
        /// From the initiator to the responder.
        case fromInitiator = "keyA"
        /// The other way.
        case fromResponder = "keyB"
    }

    /// The first bytes of the key stream are known to be weak.
    private static let discardedBytes = 1_024

    let bytes: [UInt8]

    /// Ends the initiator's pad; only who knows the secret finds it.
    var synchronisation: [UInt8] { SharedSecret.hash("req1", bytes).bytes }

    /// Covers the torrent's hash, so that nobody else sees which torrent a connection is for.
    var mask: ID160 { SharedSecret.hash("req3", bytes) }

    func cipher(_ direction: Direction, for infoHash: InfoHash) -> RC4 {
        let key = SharedSecret.hash(direction.rawValue, bytes + infoHash.bytes)
        return RC4(key: key.bytes, discarding: SharedSecret.discardedBytes)
    }

    /// The name of a torrent under `mask`.
    static func torrentKey(of infoHash: InfoHash) -> ID160 {
        hash("req2", infoHash.bytes)
    }

    private static func hash(_ label: String, _ bytes: [UInt8]) -> ID160 {
        SHA1.hash(Array(label.utf8) + bytes)
    }
}
