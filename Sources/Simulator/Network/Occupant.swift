package import Kademlia
package import Primitives

/// Who lives at a host: the node that runs in production, a whole client, or somebody who means harm.
///
/// All are driven by the same verbs. The network keeps them in arrays of their own, so that a node is changed in
/// place and not copied for every packet.
package enum Occupant: Sendable {
    case node(Node)
    case adversary(any Adversary)
    case client(ClientHost)
}

/// Anything that is not our node: it may say what it likes, also under addresses that are not its own.
///
/// It sends by appending bytes and a datagram to the outbox (`Outbox.append`), whose `home` says which of `homes` the
/// packet seems to come from.
package protocol Adversary: Sendable {
    /// The endpoints that its packets seem to come from, by home.
    ///
    /// What is sent to any that lies at its own address reaches it there. Others are forged: the answers go to those
    /// whose addresses they are.
    var homes: [Endpoint] { get }

    /// When `timedOut` wants to be called.
    var nextDeadline: Instant? { get }

    mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox)

    mutating func timedOut(now: Instant, into outbox: inout Outbox)

    mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox)
}

extension Adversary {
    package var nextDeadline: Instant? { nil }

    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {}

    package mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {}
}

extension Outbox {
    /// Appends one datagram, whose bytes `write` adds.
    package mutating func append(to endpoint: Endpoint, via home: HomeIndex = 0, _ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        write(&bytes)
        datagrams.append(Datagram(range: start..<bytes.count, to: endpoint, home: home))
    }
}
