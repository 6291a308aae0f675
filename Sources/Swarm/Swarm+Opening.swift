import PeerProtocol
package import Primitives

/// Connections that open encrypted (MSE): until their handshake is through, nothing else is said on them.
extension Swarm {
    /// Begins with the first bytes of this peer's opening, of either kind.
    mutating func open(_ place: Int, now: Instant, into outbox: inout Outbox) {
        switch candidates.opening(of: peers[place].endpoint) {
        case .plaintext: sendHandshake(place, now: now, into: &outbox)
        case .encrypted:
            var bytes: [UInt8] = []
            peers[place].encryption = EncryptionHandshake(
                calling: ourHandshake, policy: configuration.encryption, generator: generator.split(), sending: &bytes)
            peers[place].lastSentAt = now
            outbox.sendOpening(bytes, to: peers[place].handle)
        }
    }

    package func isOpening(_ handle: PeerHandle) -> Bool {
        places[handle].map { peers[$0].encryption != nil } ?? false
    }

    /// Reads a prefix of the bytes of an encrypted opening and returns its length; the rest is to be passed again.
    package mutating func openingReceived(
        _ bytes: RawSpan, from handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) -> Int {
        var offset = 0
        while let place = places[handle], var encryption = peers[place].encryption {
            var answer: [UInt8] = []
            let step = encryption.received(bytes, at: offset, sending: &answer)
            peers[place].encryption = encryption
            if !answer.isEmpty { outbox.sendOpening(answer, to: handle) }
            switch step {
            case .needsMore: return offset
            case .progressed(let consumed): offset += consumed
            case .finished(let consumed, _):
                peers[place].session.ciphers = encryption.ciphers
                peers[place].encryption = nil
                outbox.actions.append(.encrypt(handle))
                return offset + consumed
            case .fault, .torrentWanted:
                lose(handle, .protocolViolation(nil), closing: true, now: now, into: &outbox)
                connectMore(now: now, into: &outbox)
            }
        }
        return bytes.byteCount
    }

    /// Decrypts what has arrived on an encrypted connection, in place; every byte once.
    package mutating func decrypt(_ bytes: inout MutableRawSpan, from handle: PeerHandle) {
        if let place = places[handle] { peers[place].session.ciphers.receiving.apply(to: &bytes) }
    }

    /// Encrypts what is about to be written to an encrypted connection, in the order of the writes.
    package mutating func encrypt(_ bytes: inout MutableRawSpan, to handle: PeerHandle) {
        if let place = places[handle] { peers[place].session.ciphers.sending.apply(to: &bytes) }
    }

    /// Whether `decrypt` and `encrypt` change nothing from now on.
    package mutating func passesAsIs(_ handle: PeerHandle) -> Bool {
        guard let place = places[handle] else { return false }
        let ciphers = peers[place].session.ciphers
        return peers[place].encryption == nil && ciphers.receiving.isTransparent && ciphers.sending.isTransparent
    }
}
