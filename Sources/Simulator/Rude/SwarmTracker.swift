import Primitives

/// What stands for a tracker in a swarm with rude peers: who has announced, and to whom some of them are named.
struct SwarmTracker: Sendable {
    /// Endpoints named in one answer.
    private let namedMax: Int
    private var generator: SeededGenerator
    private var announced: [Endpoint] = []

    init(namedMax: Int, generator: SeededGenerator) {
        (self.namedMax, self.generator) = (namedMax, generator)
    }

    mutating func announce(_ endpoint: Endpoint) { announced.append(endpoint) }

    /// Some of those that have announced, drawn evenly, but for the asker.
    mutating func peers(for asker: Endpoint) -> [Endpoint] {
        var others = announced.filter { $0 != asker }
        let count = min(namedMax, others.count)
        for place in 0..<count {
            others.swapAt(place, Int.random(in: place..<others.count, using: &generator))
        }
        return Array(others.prefix(count))
    }
}
