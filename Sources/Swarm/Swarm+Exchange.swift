import Metainfo
import OrderedCollections
package import PeerProtocol
package import Primitives

/// Peer exchange (BEP 11): whom we know, told to each peer once a minute, and the same from them.
extension Swarm {
    /// Peers that a peer has named, for the owner to judge: not every address is one to call.
    package struct Exchange: Equatable, Sendable {
        package let torrent: TorrentHandle
        /// The peer that has named them.
        package let namer: Endpoint
        package let peers: [PeerExchangeMessage.Added]
    }

    /// Private torrents get their peers from trackers alone (BEP 27).
    var usesExchange: Bool { identity.usesExchange && info?.isPrivate != true }

    mutating func exchangeReceived(
        _ message: PeerExchangeMessage, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        guard usesExchange, now >= peers[place].nextExchangeAccepted else { return }
        // BEP 11 wants a minute; half of it allows for timers, and a flood is passed over.
        peers[place].nextExchangeAccepted = now + configuration.exchangeInterval / 2
        let added = message.added.filter { $0.endpoint != peers[place].endpoint }
        guard !added.isEmpty else { return }
        // The first message may name all that the peer knows, later ones what has changed (BEP 11).
        let count = peers[place].hasExchanged ? PeerExchangeMessage.peersMax : PeerExchangeMessage.peersReadMax
        peers[place].hasExchanged = true
        outbox.exchanged.append(
            Exchange(torrent: torrent, namer: peers[place].endpoint, peers: Array(added.prefix(count))))
    }

    /// Tells the peer what has changed since it was told last.
    mutating func exchangeIfDue(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard usesExchange, now >= peers[place].nextExchange, let id = peers[place].extensions.peerExchangeID, id != 0
        else { return }
        peers[place].nextExchange = now + configuration.exchangeInterval
        let scope = peers[place].endpoint.scope
        let known = peers.indices.compactMap { $0 == place ? nil : exchangeable($0) }
            .filter { isUseful($0.endpoint.scope, to: scope) }
        let endpoints = Set(known.map(\.endpoint))
        var message = PeerExchangeMessage()
        message.added = Array(
            known.filter { !peers[place].exchanged.contains($0.endpoint) }.prefix(PeerExchangeMessage.peersMax))
        message.dropped = Array(
            peers[place].exchanged.filter { !endpoints.contains($0) }.prefix(PeerExchangeMessage.peersMax))
        guard !message.isEmpty else { return }
        peers[place].exchanged.append(contentsOf: message.added.map(\.endpoint))
        for endpoint in message.dropped { peers[place].exchanged.remove(endpoint) }
        peers[place].lastSentAt = now
        outbox.send(to: peers[place].handle) { message.encode(id: id, into: &$0) }
    }

    /// Addresses of a LAN or of this machine mean nothing elsewhere, and tell others what is behind our router.
    private func isUseful(_ scope: AddressScope, to other: AddressScope) -> Bool { scope == .global || scope == other }

    /// Where others reach a connected peer; nil if that is unknown.
    private func exchangeable(_ place: Int) -> PeerExchangeMessage.Added? {
        guard peers[place].isOpen else { return nil }
        var flags: PeerExchangeMessage.Flags = peers[place].wantsNothing ? .isSeed : []
        if peers[place].isEncrypted || peers[place].extensions.prefersEncryption == true {
            flags.insert(.prefersEncryption)
        }
        if peers[place].isOutgoing {
            flags.insert(.isReachable)
            return PeerExchangeMessage.Added(peers[place].endpoint, flags)
        }
        guard let port = peers[place].extensions.listenPort, port != 0 else { return nil }
        var endpoint = peers[place].endpoint
        endpoint.port = port
        return PeerExchangeMessage.Added(endpoint, flags)
    }
}
