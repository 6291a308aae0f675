import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// What each kind says, unasked and when it is asked.
extension RudePeer {
    /// Right after the handshakes.
    mutating func introduce(_ place: Int, into outbox: inout RudeOutbox) {
        let (kind, handle) = (kind, links[place].handle)
        let handshake = extensionHandshake(metadataSize: claimedSize)
        outbox.send(to: handle) { bytes in
            if kind == .wrongBitfield {
                OutgoingMessage.bitfield(Bitfield(count: 3)).encode(into: &bytes)
            } else {
                (kind.claimsEverything ? OutgoingMessage.haveAll : .haveNone).encode(into: &bytes)
            }
            handshake.encode(into: &bytes)
            if kind.isInterested { OutgoingMessage.interested.encode(into: &bytes) }
            if kind.unchokes { OutgoingMessage.unchoke.encode(into: &bytes) }
        }
        // What a socket takes although its owner reads nothing.
        if kind == .nonReader || kind == .requestDropper {
            outbox.actions.append(.limitReading(handle, bytes: Self.socketBytes))
        }
    }

    private static let socketBytes = 64 << 10

    private var claimedSize: Int? {
        if kind == .metadataRejecter { return 32 << 20 }
        return kind.claimsEverything ? target.info.bytes.count : nil
    }

    private func extensionHandshake(metadataSize: Int?) -> ExtensionHandshake {
        var handshake = ExtensionHandshake()
        handshake.metadataID = ExtensionID.metadata
        handshake.peerExchangeID = ExtensionID.peerExchange
        handshake.metadataSize = metadataSize
        handshake.requestQueueDepth = 2_000
        return handshake
    }

    /// Every half second, on each open connection.
    mutating func takeTurn(_ place: Int, now: Instant, into outbox: inout RudeOutbox) {
        let (handle, turns) = (links[place].handle, links[place].turns)
        switch kind {
        case .metadataRejecter: rejectMetadata(0..<5, to: place, into: &outbox)
        case .sizeChanger:
            let size = Int.random(in: 1...(1 << 20), using: &generator)
            let handshake = extensionHandshake(metadataSize: size)
            outbox.send(to: handle) { handshake.encode(into: &$0) }
        case .slowMetadataLiar: answerMetadataDue(place, now: now, into: &outbox)
        case .metadataHog: hogMetadata(place, now: now, into: &outbox)
        case .flipper:
            outbox.send(to: handle) { bytes in
                for flip in 0..<8 {
                    (flip.isMultiple(of: 2) ? OutgoingMessage.haveNone : .haveAll).encode(into: &bytes)
                }
            }
        case .chokingSeed where turns.isMultiple(of: 2): outbox.send(.unchoke, to: handle)
        case .dripper where turns.isMultiple(of: 6), .poisonDripper where turns.isMultiple(of: 6):
            drip(place, into: &outbox)
        // What it gave had half a second to leave.
        case .poisoner where links[place].blocksGiven > 0, .partialPoisoner where links[place].blocksGiven > 0:
            close(place, now: now, into: &outbox)
        case .unwantedGiver: outbox.actions.append(.sendBlock(handle, randomBlock()))
        case .nonReader: request(32, of: place, into: &outbox)
        case .canceller:
            let blocks = (0..<50).map { _ in randomBlock() }
            outbox.send(to: handle) { bytes in
                for block in blocks { OutgoingMessage.cancel(block).encode(into: &bytes) }
            }
        case .requestDropper where now - links[place].since >= .seconds(4): close(place, now: now, into: &outbox)
        case .slowTaker where turns.isMultiple(of: 8) && !links[place].isChoked: request(1, of: place, into: &outbox)
        case .exchangeFlooder where turns == 1 || turns.isMultiple(of: 62): flood(place, into: &outbox)
        case _ where turns.isMultiple(of: 120): outbox.send(.keepAlive, to: handle)
        default: break
        }
    }

    // MARK: Taking

    mutating func request(_ count: Int, of place: Int, into outbox: inout RudeOutbox) {
        let blocks = (0..<count).map { _ in randomBlock() }
        outbox.send(to: links[place].handle) { bytes in
            for block in blocks { OutgoingMessage.request(block).encode(into: &bytes) }
        }
    }

    private mutating func randomBlock() -> BlockRequest { Self.randomBlock(of: target.layout, using: &generator) }

    private static func randomBlock(
        of layout: TorrentLayout, using generator: inout SeededGenerator
    ) -> BlockRequest {
        let piece = Int.random(in: 0..<layout.pieceCount, using: &generator)
        let length = layout.length(ofPiece: piece)
        let usual = BlockRequest.usualLength
        let offset = Int.random(in: 0..<((length + usual - 1) / usual), using: &generator) * usual
        return BlockRequest(piece: piece, offset: offset, length: min(usual, length - offset))
    }

    // MARK: Giving

    mutating func requested(_ block: BlockRequest, from place: Int, now: Instant, into outbox: inout RudeOutbox) {
        let handle = links[place].handle
        switch kind {
        case .rejecter:
            outbox.send(to: handle) { bytes in
                OutgoingMessage.reject(block).encode(into: &bytes)
                OutgoingMessage.have(block.piece).encode(into: &bytes)
            }
        case .crumbSeed where links[place].blocksGiven == 0:
            links[place].blocksGiven = 1
            sendPart(of: block, bytes: 100, to: handle, into: &outbox)
        case .chokingSeed: giveOneAndChoke(block, place, into: &outbox)
        case .poisoner where links[place].blocksGiven == 0:
            links[place].blocksGiven = 1
            outbox.actions.append(.sendBlock(handle, block))
        case .partialPoisoner where links[place].blocksGiven == 0:
            links[place].blocksGiven = 1
            sendPart(of: block, bytes: 512, to: handle, into: &outbox)
        case .poisonDripper where links[place].blocksGiven < 4:
            links[place].blocksGiven += 1
            outbox.actions.append(.sendBlock(handle, block))
        case .dripper, .poisonDripper: links[place].requests.append(block)
        case .fakeSeed, .crumbSeed, .unwantedGiver, .poisoner, .partialPoisoner, .silentCaller: break
        default: outbox.send(.reject(block), to: handle)
        }
    }

    /// The head of a piece message and the first bytes of its payload, which are zeros as all payload here.
    private func sendPart(
        of block: BlockRequest, bytes count: Int, to handle: PeerHandle, into outbox: inout RudeOutbox
    ) {
        outbox.send(to: handle) { bytes in
            OutgoingMessage.pieceHeader(block).encode(into: &bytes)
            bytes += Array(repeating: 0, count: min(count, block.length))
        }
    }

    private mutating func giveOneAndChoke(_ block: BlockRequest, _ place: Int, into outbox: inout RudeOutbox) {
        let handle = links[place].handle
        links[place].blocksGiven += 1
        guard links[place].blocksGiven % 8 == 1 else { return outbox.send(.reject(block), to: handle) }
        outbox.actions.append(.sendBlock(handle, block))
        outbox.send(.choke, to: handle)
    }

    /// A few more bytes of the oldest request.
    private mutating func drip(_ place: Int, into outbox: inout RudeOutbox) {
        guard let block = links[place].requests.first else { return }
        let handle = links[place].handle
        let count = min(512, block.length - links[place].givenBytes)
        if links[place].givenBytes == 0 {
            sendPart(of: block, bytes: count, to: handle, into: &outbox)
        } else {
            outbox.send(to: handle) { $0 += Array(repeating: 0, count: count) }
        }
        links[place].givenBytes += count
        if links[place].givenBytes == block.length {
            links[place].requests.removeFirst()
            links[place].givenBytes = 0
        }
    }

    // MARK: Metadata

    mutating func metadataRequested(_ piece: Int, from place: Int, now: Instant, into outbox: inout RudeOutbox) {
        switch kind {
        case .silentOfferer, .sizeChanger: break
        case .metadataLiar: sendMetadata(piece, of: target.garbage, to: place, into: &outbox)
        case .slowMetadataLiar: links[place].metadataRequests.append((piece, now + .milliseconds(2_400)))
        case _ where kind.servesMetadata: sendMetadata(piece, of: target.info.bytes, to: place, into: &outbox)
        default: rejectMetadata(piece..<piece + 1, to: place, into: &outbox)
        }
    }

    private mutating func answerMetadataDue(_ place: Int, now: Instant, into outbox: inout RudeOutbox) {
        while let request = links[place].metadataRequests.first, request.due <= now {
            links[place].metadataRequests.removeFirst()
            sendMetadata(request.piece, of: target.garbage, to: place, into: &outbox)
        }
    }

    private func sendMetadata(_ piece: Int, of bytes: [UInt8], to place: Int, into outbox: inout RudeOutbox) {
        guard let id = links[place].extensions.metadataID, piece * MetadataMessage.pieceLength < bytes.count else {
            return
        }
        outbox.send(to: links[place].handle) {
            MetadataMessage.encodeData(piece: piece, of: bytes, id: id, into: &$0)
        }
    }

    private func rejectMetadata(_ pieces: Range<Int>, to place: Int, into outbox: inout RudeOutbox) {
        guard let id = links[place].extensions.metadataID else { return }
        outbox.send(to: links[place].handle) { bytes in
            for piece in pieces { MetadataMessage.encodeReject(piece: piece, id: id, into: &bytes) }
        }
    }

    private mutating func hogMetadata(_ place: Int, now: Instant, into outbox: inout RudeOutbox) {
        guard now - links[place].since < .seconds(5) else { return close(place, now: now, into: &outbox) }
        guard let id = links[place].extensions.metadataID else { return }
        let length = MetadataMessage.pieceLength
        let count = (target.info.bytes.count + length - 1) / length
        outbox.send(to: links[place].handle) { bytes in
            for piece in 0..<count { MetadataMessage.encodeRequest(piece: piece, id: id, into: &bytes) }
        }
    }

    // MARK: Exchange

    private mutating func flood(_ place: Int, into outbox: inout RudeOutbox) {
        guard let id = links[place].extensions.peerExchangeID else { return }
        var message = PeerExchangeMessage()
        for _ in 0..<PeerExchangeMessage.peersReadMax {
            message.added.append(.init(SwarmAddresses.dead(using: &generator), .isReachable))
        }
        outbox.send(to: links[place].handle) { message.encode(id: id, into: &$0) }
    }
}
