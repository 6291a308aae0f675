import DequeModule
import PeerProtocol
import Swarm

/// One direction of a connection: what is written, in order, with lengths in place of payload.
struct Lane {
    enum Item: Equatable {
        /// So many bytes of whole messages, which are kept in `control`.
        case control(Int)
        /// A piece message, of which only the head is ever made.
        case block(BlockRequest)

        var byteCount: Int {
            switch self {
            case .control(let count): count
            case .block(let block): Lane.blockHeadBytes + block.length
            }
        }
    }

    static let blockHeadBytes = 13

    /// Hosts by number.
    let sender: Int
    let receiver: Int
    /// One way.
    let delayTicks: Int
    /// What each end calls the connection; nil before it has one, and after it has closed.
    var senderHandle: PeerHandle?
    var receiverHandle: PeerHandle?
    /// Written and not yet gone, in bytes.
    private(set) var backlog = 0
    /// Bytes that the receiver still takes; only a rude peer sets it.
    var window = Int.max
    /// Items at the receiver that it has not read.
    var arrived = 0
    /// What the receiver has left of its reads.
    var unread: [UInt8] = []
    /// The receiver's side of the opening is over.
    var isThrough = false
    /// The network knows that there is a backlog.
    var isListed = false

    private var items: Deque<Item> = []
    private var control: Deque<UInt8> = []
    /// Items that have left and were not read: those at the front.
    private var departed = 0
    /// Bytes of the first item behind them that have left already.
    private var headSent = 0
    /// The fraction of a byte that the last tick left over.
    private var fraction = 0.0

    init(sender: Int, receiver: Int, delayTicks: Int) {
        (self.sender, self.receiver, self.delayTicks) = (sender, receiver, delayTicks)
    }

    mutating func write(_ bytes: ArraySlice<UInt8>) {
        control.append(contentsOf: bytes)
        backlog += bytes.count
        items.append(.control(bytes.count))
    }

    mutating func write(_ block: BlockRequest) {
        items.append(.block(block))
        backlog += Self.blockHeadBytes + block.length
    }

    /// So many bytes leave; appends the blocks whose last byte did, and returns how many items did.
    mutating func leave(_ share: Double, blocks: inout [BlockRequest]) -> (items: Int, bytes: Int) {
        let allowance = min(Double(backlog), share + fraction)
        var rest = Int(allowance)
        fraction = rest == backlog ? 0 : allowance - Double(rest)
        backlog -= rest
        let (first, bytes) = (departed, rest)
        if window < .max { window = max(0, window - bytes) }
        while departed < items.count {
            let missing = items[departed].byteCount - headSent
            guard missing <= rest else {
                headSent += rest
                break
            }
            rest -= missing
            headSent = 0
            if case .block(let block) = items[departed] { blocks.append(block) }
            departed += 1
        }
        return (departed - first, bytes)
    }

    /// Reads one block, or all control bytes before the next one, which are put into `bytes`.
    mutating func read(into bytes: inout [UInt8]) -> BlockRequest? {
        bytes.removeAll(keepingCapacity: true)
        while arrived > 0, let item = items.first {
            if case .block(let block) = item {
                guard bytes.isEmpty else { return nil }
                dropFirst()
                return block
            }
            bytes.append(contentsOf: control.prefix(item.byteCount))
            control.removeFirst(item.byteCount)
            dropFirst()
        }
        return nil
    }

    private mutating func dropFirst() {
        items.removeFirst()
        departed -= 1
        arrived -= 1
    }

    /// The sender has closed: what has not left is lost.
    mutating func cut() {
        if headSent > 0 { headSent = 0 }
        while items.count > departed, let item = items.popLast() {
            if case .control(let count) = item { control.removeLast(count) }
        }
        backlog = 0
    }

    /// Nobody will read any more.
    mutating func forget() {
        (items, control, unread) = ([], [], [])
        (departed, headSent, backlog, arrived) = (0, 0, 0, 0)
    }
}
