package import Primitives

/// A DHT node: routing tables, lookups, stores and limits behind five verbs. `Kademlia.swift` has its contract.
package struct Node: Sendable {
    let configuration: Configuration
    package private(set) var homes: [Home]
    private var generator: SeededGenerator

    /// At most one home per local address; families may be mixed.
    package init(configuration: Configuration, homes: [HomeSetup], generator: SeededGenerator, now: Instant) {
        var generator = generator
        self.configuration = configuration
        self.homes = homes.map { Home(local: $0.local, id: $0.id ?? .random(using: &generator)) }
        self.generator = generator
    }

    /// A datagram arrived at `home`. The bytes are not kept.
    package mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
    }

    /// `nextDeadline` has come.
    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
    }

    package mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {
    }

    /// When `timedOut` wants to be called; nil for never.
    package var nextDeadline: Instant? { nil }

    package var statistics: Statistics { Statistics() }
}
