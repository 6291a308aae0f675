import KRPC
import Kademlia
import Primitives

/// Somebody at an address of its own who has announced to the nodes near an infohash, as BEP 5 says, and does nothing
/// else in the DHT.
struct Announcer: Adversary {
    private struct Storer {
        let endpoint: Endpoint
        var hasConfirmed = false
    }

    let homes: [Endpoint]
    private(set) var nextDeadline: Instant?
    private let infoHash: InfoHash
    private let encoder: MessageEncoder
    private var storers: [Storer]
    private var attempts = 0

    private static let attemptsMax = 3
    private static let patience = Duration.seconds(1)
    /// Added to the number of a storer in announces, so that answers to them are told from tokens.
    private static let announces: UInt32 = 1 << 16

    init(
        of infoHash: InfoHash, at endpoint: Endpoint, to storers: [Endpoint], from start: Instant,
        generator: SeededGenerator
    ) {
        var generator = generator
        homes = [endpoint]
        self.infoHash = infoHash
        self.storers = storers.map { Storer(endpoint: $0) }
        encoder = MessageEncoder(id: SecureID.make(for: endpoint, using: &generator))
        nextDeadline = start
    }

    mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        attempts += 1
        nextDeadline = attempts < Self.attemptsMax ? now + Self.patience : nil
        for (number, storer) in storers.enumerated() where !storer.hasConfirmed {
            outbox.append(to: storer.endpoint) {
                encoder.getPeers(infoHash: infoHash, number: UInt32(number), into: &$0)
            }
        }
    }

    mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        guard let message = try? Message.decode(packet), case .response(let response) = message.body,
            let number = message.queryNumber(in: packet),
            let storer = storers.firstIndex(where: { $0.endpoint == source })
        else { return }
        if number >= Self.announces { return storers[storer].hasConfirmed = true }
        guard let token = response.token.map({ packet.copy($0) }) else { return }
        outbox.append(to: source) {
            encoder.announcePeer(
                infoHash: infoHash, port: VirtualNetwork.port, impliedPort: false, token: token,
                number: Self.announces + number, into: &$0)
        }
    }
}
