package import Kademlia
package import Metainfo
package import PeerProtocol
package import Primitives
package import Swarm

extension Client {
    /// What somebody at the edge wants of the client.
    package enum Command: Sendable {
        /// Nodes to enter the DHT by; asked again and again until some answer.
        case bootstrap([Endpoint])
        /// Something of the node itself; lookups of torrents have ids below `firstLookupOfOwners`.
        case dht(Kademlia.Command)
        case add(TorrentHandle, TorrentSource, TorrentOptions)
        /// Closes the torrent's connections and forgets it; its storage is the driver's to close.
        case remove(TorrentHandle)
        case addPeers(TorrentHandle, [Endpoint], PeerSource)
    }

    /// What is known of a torrent when it is added.
    package enum TorrentSource: Equatable, Sendable {
        case infoHash(InfoHash)
        case info(Info)
    }

    package struct TorrentOptions: Equatable, Sendable {
        /// Look for peers in the DHT.
        package var usesDHT = true
        /// Trackers in their tiers (BEP 12), as texts; those that are no URLs are left out.
        package var trackers: [[String]] = []
        /// Exchange peers with peers (BEP 11).
        package var usesExchange = true
        /// Find peers on our own links and be found there (BEP 14), where the driver has links.
        package var usesLocalDiscovery = true
        /// Fetch pieces in the order of the torrent.
        package var isSequential = false
        /// Which files are wanted; nil for all.
        package var selection: FileSelection?
        /// Announce ourselves in the DHT, which makes others connect to us.
        package var announces = true
        /// The TCP port that others reach us at; 0 announces the UDP source port (BEP 5, `implied_port`).
        package var listenPort: UInt16 = 0
        /// Connections, both ways and including attempts.
        ///
        /// Each costs a socket and up to one read buffer.
        package var maxPeers = 200
        /// Stop after the metadata: no storage is opened.
        package var metadataOnly = false

        package init() {}
    }

    package enum Event: Equatable, Sendable {
        case dht(Kademlia.Event)
        case torrent(TorrentHandle, TorrentEvent)
        case tracker(TorrentHandle, TrackerReport)
    }

    /// What is wanted for announces to trackers.
    package enum TrackerAction: Equatable, Sendable {
        /// GET; answered by `fetched`, unless it is cancelled.
        case fetch(AnnounceID, url: String, family: Endpoint.Family?)
        /// The addresses of a host; answered by `resolved`.
        case resolve(AnnounceID, host: String, port: UInt16)
        /// The answer is no longer wanted.
        case cancel(AnnounceID)
        /// A datagram, from the socket of this home.
        case send([UInt8], to: Endpoint, via: HomeIndex)
    }

    /// Where the client writes; owned by the driver and reused.
    ///
    /// Carry out `dht.datagrams`, then `swarm.actions` and `trackers` in order, send `localAnnounces`, report `events`,
    /// then `clear()`.
    package struct Outbox: Sendable {
        package var dht = Kademlia.Outbox()
        package var swarm = Swarm.Outbox()
        package var trackers: [TrackerAction] = []
        /// To be said to the multicast groups of all links.
        package var localAnnounces: [LocalAnnounce] = []
        package var events: [Event] = []

        package init() {}

        package mutating func clear() {
            dht.clear()
            swarm.clear()
            trackers.removeAll(keepingCapacity: true)
            localAnnounces.removeAll(keepingCapacity: true)
            events.removeAll(keepingCapacity: true)
        }
    }
}
