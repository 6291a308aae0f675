package import Primitives

/// Something that is done in a simulated network, a piece at a time, so that whoever runs it can tell how far it is
/// and stop it.
package protocol Scenario: Sendable {
    associatedtype Report: Sendable

    /// Lets up to so many events happen; false when there is nothing left to do.
    mutating func advance(events: Int) -> Bool

    var progress: ScenarioProgress { get }

    /// What came of it; call it once `advance` has returned false.
    mutating func finish() -> Report
}

extension Scenario {
    /// Runs all of it at once.
    package mutating func run() -> Report {
        while advance(events: .max) {}
        return finish()
    }
}

/// How far a scenario is.
package struct ScenarioProgress: Equatable, Sendable {
    /// What is being done, in a word or two.
    package var phase: String
    package var now: Instant
    /// Packets delivered and timers fired so far.
    package var events: Int
    /// Nodes that are there now.
    package var nodeCount: Int
    /// What is done of the phase, as far as it can be counted.
    package var done: Done?

    package struct Done: Equatable, Sendable {
        package var count: Int
        package var total: Int

        package init(_ count: Int, of total: Int) {
            (self.count, self.total) = (count, total)
        }
    }

    package init(phase: String, now: Instant, events: Int, nodeCount: Int, done: Done? = nil) {
        (self.phase, self.now, self.events) = (phase, now, events)
        (self.nodeCount, self.done) = (nodeCount, done)
    }
}
