package import KRPC
package import Kademlia
package import Primitives

/// What a one-shot command wants of a node: it is told what happens, and says what to do next.
package protocol OneShotTask: Sendable {
    /// False for a command that names the only node that it talks to.
    var needsDHT: Bool { get }
    /// For one that goes on until it is told to stop, a signal is no failure.
    var runsUntilStopped: Bool { get }
    /// Of what is being waited for, when the time is up and nodes do answer.
    var failure: OneShotEnd { get }

    mutating func start(now: Instant) -> Command
    mutating func happened(_ event: Event, now: Instant) -> OneShotStep
    /// Called several times a second.
    mutating func tick(now: Instant) -> OneShotStep
}

extension OneShotTask {
    package var runsUntilStopped: Bool { false }
}

package enum OneShotStep: Equatable {
    case wait
    case ask(Command)
    case end(OneShotEnd)
}

/// How a command ends, and what is to be said about it.
package struct OneShotEnd: Equatable, Sendable {
    package let exit: ProgramExit
    package var message: String?
    package var advice: String?
    /// What was found, for a caller that goes on with it.
    package var item: Item?

    package init(exit: ProgramExit, message: String? = nil, advice: String? = nil, item: Item? = nil) {
        self.exit = exit
        self.message = message
        self.advice = advice
        self.item = item
    }

    package static let done = OneShotEnd(exit: .done)
}
