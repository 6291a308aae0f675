package import Primitives

/// A question of another node, whose required arguments are all there.
package struct Query: Hashable, Sendable {
    package enum Method: Hashable, Sendable {
        case ping
        case findNode(target: NodeID)
        case getPeers(infoHash: InfoHash, GetPeersOptions = [])
        case announcePeer(Announcement)
        /// BEP 44; with a sequence number when only a newer version is wanted.
        case get(target: ID160, newerThan: Int64?)
        case put(PutArguments)
        /// BEP 51.
        case sampleInfoHashes(target: ID160)
        /// Any other method that names a `target` or `info_hash`: to be answered like a find_node.
        case unknown(target: ID160)
    }

    /// The asking node.
    package let id: NodeID
    package let method: Method
    /// The address families of the nodes asked for (BEP 32); nil means the family the query came by.
    package let want: Want?

    /// What the query is about: nil for a ping, and for a put, whose target follows from what is put.
    package var target: ID160? {
        switch method {
        case .ping, .put: nil
        case .findNode(let target), .get(let target, _), .sampleInfoHashes(let target), .unknown(let target): target
        case .getPeers(let infoHash, _): infoHash
        case .announcePeer(let announcement): announcement.infoHash
        }
    }
}

/// The arguments of announce_peer.
package struct Announcement: Hashable, Sendable {
    package let infoHash: InfoHash
    /// Where the peer listens; nil for the port that the query came from (`implied_port`).
    package let port: UInt16?
    package let token: Range<Int>
    /// The peer has everything (BEP 33).
    package var isSeed = false
}

/// What a get_peers asks for beside peers (BEP 33).
package struct GetPeersOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Bloom filters of the seeds and the other peers.
    package static let scrape = GetPeersOptions(rawValue: 1)
    /// No peers that have everything: the asker is one himself.
    package static let noSeeds = GetPeersOptions(rawValue: 2)
}

/// Families of nodes that a query asks for: `want` (BEP 32).
package struct Want: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let n4 = Want(rawValue: 1)
    package static let n6 = Want(rawValue: 2)
}
