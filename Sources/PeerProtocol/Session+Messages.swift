import Primitives

/// Framing after the handshake: one message, or the head of one, at a time.
extension Session {
    private static let prefixBytes = 4
    /// Less payload than this is handed on at the end of a block only: a part costs its keeper some 150 bytes beside
    /// its own, and a peer that drips single bytes must not multiply them.
    private static let smallestPart = 512
    /// Length prefix, id, piece index and offset of a piece message.
    private static let pieceHeadBytes = 13

    mutating func messageStep(_ bytes: RawSpan, at offset: Int) -> Step {
        let available = bytes.byteCount - offset
        guard available >= Session.prefixBytes else { return .needsMore }
        let length = Int(bytes.bigEndian(at: offset, as: UInt32.self))
        guard length > 0 else { return .message(consumed: Session.prefixBytes, .keepAlive) }
        guard available > Session.prefixBytes else { return .needsMore }
        let id = bytes.byte(at: offset + Session.prefixBytes)
        if let fault = lengthFault(id: id, bodyLength: length - 1) { return fail(fault) }
        let bodyStart = offset + Session.prefixBytes + 1

        switch id {
        case MessageID.piece:
            guard available >= Session.pieceHeadBytes else { return .needsMore }
            return beginPayload(bytes, bodyStart: bodyStart, bodyLength: length - 1)
        case let id where isBuffered(id):
            guard available >= Session.prefixBytes + length else { return .needsMore }
            return wholeMessage(id, bytes, body: bodyStart..<bodyStart + length - 1)
        default:
            if length > 1 { state = .skipping(length - 1) }
            return .message(consumed: bodyStart - offset, .unknown(id: id, length: length - 1))
        }
    }

    /// Whether the message is awaited whole: all that are understood but `piece`.
    private func isBuffered(_ id: UInt8) -> Bool {
        switch id {
        case 0...MessageID.port, MessageID.extended: true
        case MessageID.suggest...MessageID.allowedFast: isFast
        default: false
        }
    }

    /// What is wrong with a message's length as soon as its head is there: before anything is buffered.
    private func lengthFault(id: UInt8, bodyLength: Int) -> PeerFault? {
        let allowed: ClosedRange<Int> =
            switch id {
            case MessageID.choke...MessageID.notInterested: 0...0
            case MessageID.have: 4...4
            case MessageID.bitfield: bitfieldLengths
            case MessageID.request, MessageID.cancel: 12...12
            case MessageID.piece: 8...8 + longestBlock
            case MessageID.port: 2...2
            case MessageID.extended: 1...limits.extendedBytes
            case MessageID.suggest where isFast, MessageID.allowedFast where isFast: 4...4
            case MessageID.haveAll where isFast, MessageID.haveNone where isFast: 0...0
            case MessageID.reject where isFast: 12...12
            default: 0...limits.unknownBytes
            }
        if allowed.contains(bodyLength) { return nil }
        let length = bodyLength + 1
        return bodyLength > allowed.upperBound && allowed.count > 1
            ? .messageTooLong(id: id, length: length) : .malformedMessage(id: id, length: length)
    }

    private var bitfieldLengths: ClosedRange<Int> {
        guard let torrent else { return 0...limits.bitfieldBytesBeforeTorrent }
        let byteCount = (torrent.pieceCount + 7) / 8
        return byteCount...byteCount
    }

    /// `body` lies within `bytes` and has a length that `lengthFault` allows.
    private mutating func wholeMessage(_ id: UInt8, _ bytes: RawSpan, body: Range<Int>) -> Step {
        let message: Message
        switch id {
        case MessageID.choke: message = .choke
        case MessageID.unchoke: message = .unchoke
        case MessageID.interested: message = .interested
        case MessageID.notInterested: message = .notInterested
        case MessageID.have, MessageID.suggest, MessageID.allowedFast:
            let piece = Int(bytes.bigEndian(at: body.lowerBound, as: UInt32.self))
            if let torrent, piece >= torrent.pieceCount { return fail(.pieceOutOfRange(piece)) }
            switch id {
            case MessageID.suggest: message = .suggest(piece)
            case MessageID.allowedFast: message = .allowedFast(piece)
            default: message = .have(piece)
            }
        // BEP 3 wants it first of all and once. But libtorrent sends its extension handshake before it, who had no
        // metadata at first sends it when it has, and aria2 sends another one in place of many haves.
        case MessageID.bitfield: message = .bitfield(body)
        case MessageID.haveAll: message = .haveAll
        case MessageID.haveNone: message = .haveNone
        case MessageID.request:
            let block = BlockRequest(bytes, at: body.lowerBound)
            if let fault = requestFault(block) { return fail(fault) }
            message = .request(block)
        case MessageID.cancel: message = .cancel(BlockRequest(bytes, at: body.lowerBound))
        case MessageID.reject: message = .reject(BlockRequest(bytes, at: body.lowerBound))
        case MessageID.port: message = .port(bytes.bigEndian(at: body.lowerBound, as: UInt16.self))
        default:
            message = .extended(
                id: bytes.byte(at: body.lowerBound), payload: body.lowerBound + 1..<body.upperBound)
        }
        return .message(consumed: Session.prefixBytes + 1 + body.count, message)
    }

    private func requestFault(_ block: BlockRequest) -> PeerFault? {
        guard block.length > 0, block.length <= limits.requestBytes else { return .invalidRequest(block) }
        guard let torrent else { return nil }
        if block.piece >= torrent.pieceCount { return .pieceOutOfRange(block.piece) }
        return torrent.contains(block) ? nil : .invalidRequest(block)
    }

    /// Decides what becomes of a block; its head is consumed together with the first bytes of payload.
    private mutating func beginPayload(_ bytes: RawSpan, bodyStart: Int, bodyLength: Int) -> Step {
        let block = BlockRequest(
            piece: Int(bytes.bigEndian(at: bodyStart, as: UInt32.self)),
            offset: Int(bytes.bigEndian(at: bodyStart + 4, as: UInt32.self)),
            length: bodyLength - 8)
        let payloadStart = bodyStart + 8
        guard bytes.byteCount - payloadStart >= min(block.length, Session.smallestPart) else { return .needsMore }
        return payloadStep(
            of: block, received: 0, outstanding.contains(block) ? .store : .discard,
            headBytes: Session.pieceHeadBytes, at: payloadStart, end: bytes.byteCount)
    }

    /// Hands on what is there of `block`, from `start` on; `headBytes` before it are consumed as well.
    mutating func payloadStep(
        of block: BlockRequest, received: Int, _ disposition: Disposition, headBytes: Int, at start: Int, end: Int
    ) -> Step {
        let remaining = block.length - received
        let count = min(remaining, end - start)
        guard count >= min(remaining, Session.smallestPart) else { return .needsMore }
        let isLast = received + count == block.length
        if isLast {
            if disposition == .store { outstanding.remove(block) }
            state = .messages
        } else {
            state = .payload(block, received: received + count, disposition: disposition)
        }
        return .payload(
            consumed: headBytes + count, block: block, offset: received, range: start..<start + count,
            isLast: isLast, disposition: disposition)
    }
}

extension BlockRequest {
    /// Reads the 12 bytes of a request or cancel at `offset`.
    fileprivate init(_ bytes: RawSpan, at offset: Int) {
        self.init(
            piece: Int(bytes.bigEndian(at: offset, as: UInt32.self)),
            offset: Int(bytes.bigEndian(at: offset + 4, as: UInt32.self)),
            length: Int(bytes.bigEndian(at: offset + 8, as: UInt32.self)))
    }
}
