import KRPC
import Kademlia
import Primitives

/// Somebody who works off a list of queries to one node, under its own address or a forged one, and counts what comes.
struct Talker: Adversary {
    enum Manner {
        case listens
        /// Answers each packet with another query.
        case asksAgain
        /// Sends each packet back as it came.
        case sendsBack
    }

    /// A query to be sent, from one of `homes`.
    enum Plan {
        case ping
        case getPeers(number: UInt64)
        /// With the token that `getPeers` was answered with, or that of another infohash.
        case announce(number: UInt64, tokenOf: UInt64, home: HomeIndex)
        /// Of a peer at another port than the query comes from.
        case announcePort(number: UInt64, port: UInt16)
        case wait
    }

    let homes: [Endpoint]
    private(set) var nextDeadline: Instant?
    private let node: Endpoint
    private let manner: Manner
    private let plan: [Plan]
    private let pace: Duration
    private var position = 0
    private let encoder: MessageEncoder
    private var tokens: [UInt64: [UInt8]] = [:]
    /// Of the latest answer that had any.
    private(set) var peers: [Endpoint] = []
    private(set) var packetsReceived = 0
    private(set) var bytesReceived = 0
    private(set) var bytesSent = 0

    /// - Parameter homes: the first is where it lives, if it lives anywhere.
    init(
        _ homes: [Endpoint], to node: Endpoint, _ manner: Manner = .listens, _ plan: [Plan] = [],
        every pace: Duration = .milliseconds(100), from start: Instant = .origin
    ) {
        (self.homes, self.node, self.manner, self.plan, self.pace) = (homes, node, manner, plan, pace)
        var generator = SeededGenerator(number: 1)
        encoder = MessageEncoder(id: SecureID.make(for: homes[0], using: &generator))
        nextDeadline = plan.isEmpty ? nil : start
    }

    static func infoHash(_ number: UInt64) -> InfoHash {
        var generator = SeededGenerator(number: number &+ 1)
        return .random(using: &generator)
    }

    mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        let (next, encoder) = (plan[position], encoder)
        position += 1
        nextDeadline = position < plan.count ? now + pace : nil
        switch next {
        case .ping: send(via: 0, into: &outbox) { encoder.ping(number: 0, into: &$0) }
        case .getPeers(let number):
            send(via: 0, into: &outbox) {
                encoder.getPeers(infoHash: Self.infoHash(number), number: UInt32(truncatingIfNeeded: number), into: &$0)
            }
        case .announce(let number, let owner, let home):
            guard let token = tokens[owner] else { return }
            send(via: home, into: &outbox) {
                encoder.announcePeer(
                    infoHash: Self.infoHash(number), port: 6881, impliedPort: true, token: token, number: 0, into: &$0)
            }
        case .announcePort(let number, let port):
            guard let token = tokens[number] else { return }
            send(via: 0, into: &outbox) {
                encoder.announcePeer(
                    infoHash: Self.infoHash(number), port: port, impliedPort: false, token: token, number: 0, into: &$0)
            }
        case .wait: break
        }
    }

    mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        packetsReceived += 1
        bytesReceived += packet.byteCount
        switch manner {
        case .listens: break
        case .asksAgain:
            let encoder = encoder
            return send(via: 0, into: &outbox) { encoder.ping(number: 0, into: &$0) }
        case .sendsBack: return send(via: 0, into: &outbox) { $0 += packet.copy(0..<packet.byteCount) }
        }
        guard let message = try? Message.decode(packet), case .response(let response) = message.body else { return }
        var (values, found) = (response.values.makeIterator(in: packet), [Endpoint]())
        while let peer = values.next(in: packet) { found.append(peer) }
        if !found.isEmpty { peers = found }
        guard let token = response.token, let number = message.queryNumber(in: packet) else { return }
        tokens[UInt64(number)] = packet.copy(token)
    }

    private mutating func send(via home: HomeIndex, into outbox: inout Outbox, _ write: (inout [UInt8]) -> Void) {
        let before = outbox.bytes.count
        outbox.append(to: node, via: home, write)
        bytesSent += outbox.bytes.count - before
    }
}
