import Primitives

/// When nodes that gave a sample of their infohashes will have another one: until then they are not asked (BEP 51).
struct SampleSchedule: Sendable {
    private var dueAt: [Endpoint: Instant] = [:]
    /// In the order in which they were asked; the first may be forgotten for another.
    private var queue: [Endpoint] = []
    private(set) var forgottenCount = 0

    func isDue(_ endpoint: Endpoint, now: Instant) -> Bool {
        dueAt[endpoint].map { $0 <= now } ?? true
    }

    mutating func note(_ endpoint: Endpoint, dueAt instant: Instant, limit: Int, now: Instant) {
        guard limit > 0, instant > now else { return }
        if dueAt.updateValue(instant, forKey: endpoint) == nil { queue.append(endpoint) }
        guard dueAt.count > limit else { return }
        // Half of them at once, so that making room costs little for each.
        let dropped = queue.prefix(max(1, queue.count / 2))
        for endpoint in dropped {
            if let due = dueAt.removeValue(forKey: endpoint), due > now { forgottenCount += 1 }
        }
        queue.removeFirst(dropped.count)
    }
}
