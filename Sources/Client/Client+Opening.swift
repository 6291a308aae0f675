import PeerProtocol
package import Primitives
package import Swarm

/// How connections open: in plaintext, or hidden by MSE.
///
/// While `isOpening`, what a driver reads goes to `openingReceived`. After the action `encrypt` all that it has left of
/// its reads, and all that comes later, passes `decrypt` once before it goes to `received`, and all that it writes
/// passes `encrypt`.
extension Client {
    package func isOpening(_ peer: PeerHandle) -> Bool {
        if let torrent = torrent(of: peer) { return swarms[torrent]?.swarm.isOpening(peer) ?? false }
        return lobby.isOpening(peer)
    }

    /// Reads a prefix of the first bytes of a connection and returns its length; pass the rest again, with more.
    package mutating func openingReceived(
        _ bytes: RawSpan, from peer: PeerHandle, now: Instant, into outbox: inout Outbox
    ) -> Int {
        if let torrent = torrent(of: peer) {
            let consumed = withSwarm(torrent, now: now, into: &outbox) {
                $0.openingReceived(bytes, from: peer, now: now, into: &$1)
            }
            settle(now: now, into: &outbox)
            return consumed ?? bytes.byteCount
        }
        var offset = 0
        while lobby.isOpening(peer) {
            var answer: [UInt8] = []
            let opening = lobby.openingReceived(
                bytes, at: offset, from: peer, now: now, sending: &answer)
            if !answer.isEmpty { outbox.swarm.sendOpening(answer, to: peer) }
            switch opening {
            case .consumed(0): return offset
            case .consumed(let count): offset += count
            case .wants(let key, let count):
                offset += count
                guard let infoHash = infoHashesByKey[key] else { return refuse(peer, bytes, into: &outbox) }
                lobby.accept(peer, infoHash)
            case .through(let count, let isEncrypted):
                if isEncrypted { outbox.swarm.actions.append(.encrypt(peer)) }
                return offset + count
            case .refuse: return refuse(peer, bytes, into: &outbox)
            }
        }
        return bytes.byteCount
    }

    /// Decrypts in place what has arrived; every byte once.
    package mutating func decrypt(_ bytes: inout MutableRawSpan, from peer: PeerHandle) {
        guard let torrent = torrent(of: peer) else { return lobby.decrypt(&bytes, from: peer) }
        guard let index = swarms.index(forKey: torrent) else { return }
        swarms.values[index].swarm.decrypt(&bytes, from: peer)
    }

    /// Encrypts in place what is about to be written, in the order of the writes.
    package mutating func encrypt(_ bytes: inout MutableRawSpan, to peer: PeerHandle) {
        guard let torrent = torrent(of: peer) else { return lobby.encrypt(&bytes, to: peer) }
        guard let index = swarms.index(forKey: torrent) else { return }
        swarms.values[index].swarm.encrypt(&bytes, to: peer)
    }

    /// Whether `decrypt` and `encrypt` change nothing from now on; looked at in place.
    package mutating func passesAsIs(_ peer: PeerHandle) -> Bool {
        guard let torrent = torrent(of: peer), let index = swarms.index(forKey: torrent) else { return false }
        return swarms.values[index].swarm.passesAsIs(peer)
    }

    private mutating func refuse(_ peer: PeerHandle, _ bytes: RawSpan, into outbox: inout Outbox) -> Int {
        lobby.leave(peer)
        outbox.swarm.actions.append(.close(peer))
        return bytes.byteCount
    }
}
