import PeerProtocol
import Primitives
import Testing

/// What a session made of a whole stream, with everything that depends on where it was cut taken out: ranges are
/// replaced by their bytes, payload steps of one block are joined and skipped bytes are left out.
enum Event: Equatable {
    case handshake(Handshake)
    case message(Message)
    /// A message with a range, which is replaced by its bytes and set to `0..<0`.
    case bytes(Message, [UInt8])
    case block(BlockRequest, bytes: [UInt8], isComplete: Bool, Session.Disposition)
    case fault(PeerFault)
}

/// Feeds a session the way a driver does: it keeps what was not consumed, and comes back with that and more.
struct SessionFeeder {
    var session: Session
    private(set) var events: [Event] = []
    /// Received and not yet consumed.
    private(set) var pending: [UInt8] = []
    private(set) var consumedBytes = 0
    private var isFaulty = false

    init(_ session: Session) {
        self.session = session
    }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        pending += bytes
        drain()
    }

    mutating func feed(_ messages: OutgoingMessage...) {
        var bytes: [UInt8] = []
        for message in messages { message.encode(into: &bytes) }
        feed(bytes)
    }

    mutating func drain() {
        let bytes = pending
        var offset = 0
        while !isFaulty {
            let step = session.received(bytes.span.bytes, at: offset, now: .origin)
            guard step != .needsMore else { break }
            let consumed = note(step, in: bytes, at: offset)
            if !isFaulty, consumed < 1 || consumed > bytes.count - offset {
                Issue.record("\(step) consumed \(consumed) of \(bytes.count - offset) bytes")
                isFaulty = true
            }
            offset += consumed
        }
        consumedBytes += offset
        pending.removeFirst(offset)
    }

    private mutating func note(_ step: Session.Step, in bytes: [UInt8], at offset: Int) -> Int {
        switch step {
        case .needsMore: return 0
        case .handshake(let consumed, let handshake):
            events.append(.handshake(handshake))
            return consumed
        case .message(let consumed, let message):
            events.append(Event(message, in: bytes))
            return consumed
        case .payload(let consumed, let block, let blockOffset, let range, let isLast, let disposition):
            #expect(range.upperBound == offset + consumed)
            append(block, at: blockOffset, bytes[range], isLast, disposition)
            return consumed
        case .skipped(let consumed): return consumed
        case .fault(let fault):
            events.append(.fault(fault))
            isFaulty = true
            return 0
        }
    }

    private mutating func append(
        _ block: BlockRequest, at offset: Int, _ part: ArraySlice<UInt8>, _ isLast: Bool,
        _ disposition: Session.Disposition
    ) {
        var whole: [UInt8] = []
        if offset > 0 {
            guard case .block(block, let begun, false, _) = events.popLast(), begun.count == offset else {
                Issue.record("payload at \(offset) does not go on where the last one ended")
                return
            }
            whole = begun
        }
        whole += part
        #expect(isLast == (whole.count == block.length))
        events.append(.block(block, bytes: whole, isComplete: isLast, disposition))
    }
}

extension Event {
    fileprivate init(_ message: Message, in bytes: [UInt8]) {
        switch message {
        case .bitfield(let range): self = .bytes(.bitfield(0..<0), Array(bytes[range]))
        case .extended(let id, let payload): self = .bytes(.extended(id: id, payload: 0..<0), Array(bytes[payload]))
        default: self = .message(message)
        }
    }
}
