import DequeModule
import Primitives
import Swarm

/// One TCP connection between whole clients: all bytes arrive, in order.
struct Connection: Sendable {
    enum Side: Int, BitwiseCopyable, Sendable {
        case caller, called

        var other: Side { self == .caller ? .called : .caller }
    }

    struct End: Sendable {
        let host: HostIndex
        /// What its client calls the connection; nil before it has one, and after it has closed.
        var handle: PeerHandle?

        // What it sends.
        var pace: SendPace
        var unsent: Deque<UInt8> = []
        /// An event will come that lets more leave.
        var isPumping = false
        /// On the way to the other end, in the order in which they left.
        var underWay: Deque<[UInt8]> = []
        var lastArrival = Instant.origin
        var isEncrypted = false

        // What it receives.
        var unread: [UInt8] = []
        /// How much of `unread` has been decrypted.
        var decrypted = 0
    }

    /// One way, the same both ways.
    let delay: Duration
    private var ends: [End]

    init(from caller: End, to called: End, delay: Duration) {
        ends = [caller, called]
        self.delay = delay
    }

    subscript(side: Side) -> End {
        _read { yield ends[side.rawValue] }
        _modify { yield &ends[side.rawValue] }
    }
}

/// The connections of a network, by their numbers, which are not used again, and by what the clients call them.
struct ConnectionTable: Sendable {
    typealias Number = UInt32

    private struct Name: Hashable {
        let host: HostIndex
        let handle: PeerHandle
    }

    /// Both are only looked up.
    private var connections: [Number: Connection] = [:]
    private var numbers: [Name: (number: Number, side: Connection.Side)] = [:]
    private var nextNumber: Number = 0

    subscript(number: Number) -> Connection? {
        _read { yield connections[number] }
        _modify { yield &connections[number] }
    }

    var count: Int { connections.count }

    mutating func insert(_ connection: Connection) -> Number {
        defer { nextNumber += 1 }
        connections[nextNumber] = connection
        for side in [Connection.Side.caller, .called] { name(nextNumber, side) }
        return nextNumber
    }

    func find(_ handle: PeerHandle, of host: HostIndex) -> (number: Number, side: Connection.Side)? {
        numbers[Name(host: host, handle: handle)]
    }

    mutating func setHandle(_ handle: PeerHandle, of number: Number, _ side: Connection.Side) {
        connections[number]?[side].handle = handle
        name(number, side)
    }

    private mutating func name(_ number: Number, _ side: Connection.Side) {
        guard let end = connections[number]?[side], let handle = end.handle else { return }
        numbers[Name(host: end.host, handle: handle)] = (number, side)
    }

    /// The client at this end has no connection any more; returns what it called it.
    mutating func takeHandle(of number: Number, _ side: Connection.Side) -> PeerHandle? {
        guard let end = connections[number]?[side], let handle = end.handle else { return nil }
        numbers[Name(host: end.host, handle: handle)] = nil
        connections[number]?[side].handle = nil
        return handle
    }

    mutating func remove(_ number: Number) { connections[number] = nil }
}
