import Kademlia
import PeerProtocol
package import Primitives
import Swarm

/// Peers on our own links (BEP 14).
extension Client {
    /// Somebody has said something to the multicast group.
    package mutating func receivedLocalAnnounce(
        _ bytes: RawSpan, from source: Endpoint, now: Instant, into outbox: inout Outbox
    ) {
        let ours = torrentsByInfoHash
        guard isOnLink(source),
            let announce = local?.heard(bytes, from: source, now: now, isOurs: { ours[$0] != nil })
        else { return }
        var peer = source
        peer.port = announce.port
        guard peer.port >= (configuration.node.networkMode == .public ? 1024 : 1) else { return }
        for infoHash in announce.infoHashes {
            guard let torrent = torrentsByInfoHash[infoHash], local?.announces(torrent) == true else { continue }
            withSwarm(torrent, now: now, into: &outbox) { $0.peersFound([peer], source: .lsd, now: now, into: &$1) }
        }
        settle(now: now, into: &outbox)
    }

    /// Where neighbours are: whoever comes from the internet in this way is not one, and its address a forgery.
    ///
    /// Link-local IPv6 addresses mean nothing without an interface, so no peer can be called there.
    private func isOnLink(_ source: Endpoint) -> Bool {
        switch source.scope {
        case .privateUse: true
        case .linkLocal: source.family == .v4
        case .loopback: configuration.node.networkMode == .private
        case .global, .unusable: false
        }
    }
}
