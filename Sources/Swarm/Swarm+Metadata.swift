package import Metainfo
import PeerProtocol
package import Primitives

/// The info dictionary: fetched from peers, given at birth, served to peers (BEP 9).
extension Swarm {
    var layout: TorrentLayout? {
        guard let info, info.totalLength > 0 else { return nil }
        return TorrentLayout(pieceLength: info.pieceLength, totalLength: info.totalLength)
    }

    /// The metadata is known: from a peer, a .torrent file or an earlier run.
    package mutating func metadataKnown(_ info: Info, now: Instant, into outbox: inout Outbox) {
        guard self.info == nil, !hasFailed else { return }
        self.info = info
        race = nil
        if info.isPrivate { becomePrivate(now: now, into: &outbox) }
        for handle in handles { layoutKnown(info, to: handle, now: now, into: &outbox) }
        report(.metadata(info), into: &outbox)
        guard !identity.wantsMetadataOnly else { return }
        do {
            let selected = try identity.selection?.files(of: info) ?? SelectedFiles(allOf: info)
            self.selected = selected
            outbox.actions.append(.openStorage(torrent, info, selected))
        } catch {
            report(.nothingSelected(error), into: &outbox)
            close(now: now, into: &outbox)
        }
    }

    /// Peers that neither a tracker nor the user named go (BEP 27).
    private mutating func becomePrivate(now: Instant, into outbox: inout Outbox) {
        candidates.becomePrivate()
        let allowed = candidates.allowedHosts
        for handle in handles {
            guard let place = places[handle], !allowed.contains(peers[place].endpoint.host) else { continue }
            lose(handle, .foreign, closing: true, now: now, into: &outbox)
        }
    }

    /// Judges what the peer said before the torrent was known.
    private mutating func layoutKnown(
        _ info: Info, to handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places[handle] else { return }
        if let layout { peers[place].session.torrentKnown(layout) }
        guard peers[place].isOpen else { return }
        var pieces = Bitfield(count: info.pieceCount)
        switch peers[place].earlyBitfield {
        case nil, .nothing: break
        case .everything: pieces = Bitfield(filled: info.pieceCount)
        case .bits(let bytes):
            guard let known = Bitfield(bytes.span.bytes, count: info.pieceCount) else {
                return lose(handle, .protocolViolation(nil), closing: true, now: now, into: &outbox)
            }
            pieces = known
        }
        peers[place].allowedFast.removeAll { $0 >= info.pieceCount }
        for piece in peers[place].earlyHaves where piece < pieces.count { pieces[piece] = true }
        peers[place].earlyBitfield = nil
        peers[place].earlyHaves = []
        peers[place].pieces = pieces
    }

    mutating func extendedReceived(
        _ id: UInt8, _ bytes: RawSpan, _ payload: Range<Int>, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        do {
            switch id {
            case 0:
                guard tolerates(place, now: now, into: &outbox) else { return }
                let handshake = try ExtensionHandshake(bytes, in: payload)
                extensionHandshakeReceived(handshake, from: place, now: now, into: &outbox)
            case ExtensionID.metadata:
                let message = try MetadataMessage(bytes, in: payload)
                metadataMessageReceived(message, bytes, from: place, now: now, into: &outbox)
            case ExtensionID.peerExchange:
                guard tolerates(place, now: now, into: &outbox) else { return }
                let message = try PeerExchangeMessage(bytes, in: payload)
                exchangeReceived(message, from: place, now: now, into: &outbox)
            default: _ = tolerates(place, now: now, into: &outbox)
            }
        } catch {
            lose(peers[place].handle, .protocolViolation(.malformedExtension), closing: true, now: now, into: &outbox)
        }
    }

    /// Tells all peers that we have what we want (BEP 21).
    ///
    /// The whole handshake again: some take what a later one leaves out for switched off (libtorrent).
    mutating func repeatExtensionHandshake(now: Instant, into outbox: inout Outbox) {
        for place in peers.indices where peers[place].isOpen && peers[place].speaksExtensions {
            peers[place].lastSentAt = now
            let handshake = extensionHandshake(for: peers[place].endpoint)
            outbox.send(to: peers[place].handle) { handshake.encode(into: &$0) }
        }
    }

    private mutating func extensionHandshakeReceived(
        _ handshake: ExtensionHandshake, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        peers[place].extensions.update(with: handshake)
        if metadataID(of: place) == nil { metadataSwitchedOff(by: place) }
        if peers[place].wantsNothing, !peers[place].isChokedByUs { lostInterest(place, now: now, into: &outbox) }
        if let depth = handshake.requestQueueDepth {
            peers[place].pipeline.maximum = max(configuration.requestsMin, min(configuration.requestsMax, depth))
        }
        if metadataID(of: place) != nil, let size = handshake.metadataSize, race != nil {
            guard race?.offered(size: size, by: peers[place].handle) == true else {
                // A size alone proves no lie about the data: only this connection ends.
                let violation = PeerLoss.protocolViolation(.malformedExtension)
                return lose(peers[place].handle, violation, closing: true, now: now, into: &outbox)
            }
            requestMetadata(of: place, now: now, into: &outbox)
        }
        dropIfRedundant(place, now: now, into: &outbox)
    }

    /// The id that the peer wants metadata messages under; nil if it does not speak BEP 9.
    func metadataID(of place: Int) -> UInt8? {
        peers[place].extensions.metadataID.flatMap { $0 == 0 ? nil : $0 }
    }

    mutating func requestMetadata(of place: Int, now: Instant, into outbox: inout Outbox) {
        guard let id = metadataID(of: place), race != nil else { return }
        for piece in race?.requests(for: peers[place].handle, now: now) ?? [] {
            peers[place].lastSentAt = now
            outbox.send(to: peers[place].handle) { MetadataMessage.encodeRequest(piece: piece, id: id, into: &$0) }
        }
    }

    private mutating func metadataMessageReceived(
        _ message: MetadataMessage, _ bytes: RawSpan, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        switch message {
        case .unknown: _ = tolerates(place, now: now, into: &outbox)
        case .request(let piece): metadataRequested(piece, by: place, now: now, into: &outbox)
        case .reject(let piece):
            guard race?.expects(piece: piece, from: peers[place].handle) == true else {
                return _ = tolerates(place, now: now, into: &outbox)
            }
            // Every peer that answers has a request already, and takes up the piece with its next ones.
            race?.rejected(piece: piece, by: peers[place].handle, now: now)
        case .data(let piece, _, let range):
            guard race?.expects(piece: piece, from: peers[place].handle) == true else {
                return _ = tolerates(place, now: now, into: &outbox)
            }
            // It gives what is wanted most: its connection keeps its place.
            peers[place].use.received(range.count, now: now)
            let outcome = race?.received(piece: piece, payload: bytes.copy(range), from: peers[place].handle, now: now)
            metadataOutcome(outcome ?? .ignored, from: place, now: now, into: &outbox)
        }
    }

    private mutating func metadataOutcome(
        _ outcome: MetadataRace.Outcome, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        switch outcome {
        case .ignored: break
        case .needsMore: requestMetadata(of: place, now: now, into: &outbox)
        case .complete(let bytes):
            do {
                metadataKnown(try Info(bytes: bytes), now: now, into: &outbox)
            } catch {
                report(.metadataUnusable(error), into: &outbox)
                close(now: now, into: &outbox)
            }
        case .mismatch(let contributors, let liar):
            let endpoints = contributors.compactMap { places[$0].map { peers[$0].endpoint } }
            report(.metadataRejected(endpoints), into: &outbox)
            if let liar { lose(liar, .badData, closing: true, now: now, into: &outbox) }
            requestMetadataOfAll(now: now, into: &outbox)
            connectMore(now: now, into: &outbox)
        }
    }

    mutating func requestMetadataOfAll(now: Instant, into outbox: inout Outbox) {
        for place in peers.indices where peers[place].isOpen { requestMetadata(of: place, now: now, into: &outbox) }
    }
}
