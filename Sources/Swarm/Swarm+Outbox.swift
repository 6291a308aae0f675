package import Metainfo
package import PeerProtocol
package import Primitives

extension Swarm {
    /// What the swarm wants done.
    ///
    /// The driver carries actions out in order, then clears the outbox.
    package enum Action: Equatable, Sendable {
        /// Open a TCP connection; answered by `connected` or `connectFailed`.
        case connect(PeerHandle, Endpoint)
        /// Write these bytes of `Outbox.bytes` to the peer.
        case send(PeerHandle, Range<Int>)
        /// Write these bytes as they are: they belong to an encrypted opening.
        case sendOpening(PeerHandle, Range<Int>)
        /// The opening is through: what is received and sent from here on passes `decrypt` and `encrypt`.
        case encrypt(PeerHandle)
        /// Close the connection or give up the attempt. The handle is dead: no fact about it is wanted.
        case close(PeerHandle)
        /// Give the payload at `range` of the bytes just passed to `received` to the storage.
        case store(TorrentHandle, piece: Int, offset: Int, from: PeerHandle, range: Range<Int>)
        /// Forget bytes of a piece that were stored: their block will not be finished by the peer that began it.
        case forget(TorrentHandle, piece: Int, offset: Int, length: Int)
        /// Read a block of a verified piece and send it as a piece message; answered by `blockSent`.
        case readBlock(PeerHandle, TorrentHandle, BlockRequest)
        /// Digest the blocks of a verified piece; answered by `blocksDigested`.
        case digestBlocks(TorrentHandle, piece: Int)
        /// Stop reading from the torrent's peers, present and future: the disk is behind.
        case pauseReading(TorrentHandle)
        case resumeReading(TorrentHandle)
        /// Open the files and check what is there; answered by `storageOpened`, or by `storageFailed`.
        case openStorage(TorrentHandle, Info, SelectedFiles)
    }

    /// Where a swarm writes; owned by the caller, its storage reused from fact to fact.
    package struct Outbox: Equatable, Sendable {
        package var bytes: [UInt8] = []
        package var actions: [Action] = []
        package var events: [TorrentNotice] = []
        /// DHT contacts that peers told us of in PORT messages (BEP 5).
        package var contacts: [Endpoint] = []
        /// Peers that peers told us of (BEP 11); those worth calling come back through `peersExchanged`.
        package var exchanged: [Exchange] = []
        /// Limits that were reached.
        package var waits: [Wait] = []
        /// Handles that are dead from now on, whichever side ended them.
        package var lost: [PeerHandle] = []

        package init() {}

        package mutating func clear() {
            bytes.removeAll(keepingCapacity: true)
            actions.removeAll(keepingCapacity: true)
            events.removeAll(keepingCapacity: true)
            contacts.removeAll(keepingCapacity: true)
            exchanged.removeAll(keepingCapacity: true)
            waits.removeAll(keepingCapacity: true)
            lost.removeAll(keepingCapacity: true)
        }

        package mutating func sendOpening(_ opening: [UInt8], to peer: PeerHandle) {
            let start = bytes.count
            bytes += opening
            actions.append(.sendOpening(peer, start..<bytes.count))
        }

        /// Appends one send of all that `write` appends to the bytes.
        package mutating func send(to peer: PeerHandle, _ write: (inout [UInt8]) -> Void) {
            let start = bytes.count
            write(&bytes)
            guard bytes.count > start else { return }
            if case .send(peer, let range) = actions.last, range.upperBound == start {
                actions[actions.count - 1] = .send(peer, range.lowerBound..<bytes.count)
            } else {
                actions.append(.send(peer, start..<bytes.count))
            }
        }
    }
}

/// Something that happened in a torrent, for whoever watches.
package struct TorrentNotice: Equatable, Sendable {
    package let torrent: TorrentHandle
    package let event: TorrentEvent
}

/// How an endpoint became known.
package enum PeerSource: String, Hashable, Sendable {
    case dht, exchange, tracker, magnet, user, incoming, lsd
}

package enum TorrentEvent: Equatable, Sendable {
    /// A DHT lookup for the infohash has begun.
    case lookupStarted
    /// Endpoints not known before.
    case peersFound([Endpoint], PeerSource)
    /// The handshake with this peer is complete.
    case peerConnected(Endpoint)
    case peerLost(Endpoint, PeerLoss)
    /// The info dictionary is here and matches the infohash.
    case metadata(Info)
    /// A whole metadata did not match the infohash; these peers gave it.
    case metadataRejected([Endpoint])
    /// Metadata that matches the infohash, but is no usable info dictionary: no peer can have a better one.
    case metadataUnusable(MetainfoError)
    /// The torrent has none of the files that were asked for.
    case nothingSelected(FileSelection.Mismatch)
    case storageOpened(verifiedPieces: Int)
    case pieceVerified(Int)
    case pieceFailed(Int)
    /// Every wanted piece is verified and written.
    case completed
    /// So many nodes of the DHT have taken our `announce_peer`.
    case announced(nodes: Int)
    case storageFailed
}

/// Why a peer went.
package enum PeerLoss: Equatable, Sendable {
    /// The connection attempt was refused or ended.
    case unreachable
    /// No connection, or no handshake, in time.
    case timedOut
    /// The peer closed an established connection.
    case closed
    /// The peer broke the protocol; nil when its encrypted opening did.
    case protocolViolation(PeerFault?)
    /// The peer gave data that failed its hash, or metadata that did: its address is refused for a time.
    case badData
    /// We need nothing from it and it needs nothing from us.
    case redundant
    /// There is another connection to the same peer.
    case duplicate
    /// One that comes before it in the canonical order took its place (BEP 40).
    case displaced
    /// The peer answered with our own peer id: the endpoint is ours, or an echo. Only that endpoint is refused.
    case ourselves
    /// Connected and silent for too long.
    case idle
    /// The torrent is private, and neither a tracker nor the user named the peer (BEP 27).
    case foreign
}

extension PeerLoss {
    /// No honest client does this, so that the endpoint waits longer before it is called again.
    package var isSuspicious: Bool {
        if case .protocolViolation(let fault?) = self { fault.scope == .distrustPeer } else { false }
    }
}
