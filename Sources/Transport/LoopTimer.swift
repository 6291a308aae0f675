import NIOCore
import Primitives

/// The one timer of a host, and its clock.
final class LoopTimer {
    /// A deadline that is already past fires after this long: a fact that sets the past again must not spin the loop.
    private static let delayMin = Duration.microseconds(200)

    private let eventLoop: any EventLoop
    private let fire: () -> Void
    private var armed: (time: Instant, task: Scheduled<Void>)?
    private var deadline: Instant?

    /// The system's monotonic clock, which NIO's timers go by too.
    static var now: Instant {
        Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
    }

    init(eventLoop: any EventLoop, fire: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.fire = fire
    }

    /// Fires once, at or soon after `deadline`; nil never.
    ///
    /// Deadlines move back all the time, as answers come in before their timeouts. The task that is armed stays then
    /// and looks again when it runs, instead of being replaced at every batch.
    func set(_ deadline: Instant?) {
        self.deadline = deadline
        guard let deadline else { return }
        let time = max(deadline, Self.now + Self.delayMin)
        if let armed {
            guard time < armed.time else { return }
            armed.task.cancel()
        }
        arm(time)
    }

    func stop() {
        armed?.task.cancel()
        armed = nil
        deadline = nil
    }

    private func arm(_ time: Instant) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let task = eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(clamping: time.nanoseconds))
        ) {
            bound.value.ran()
        }
        armed = (time, task)
    }

    private func ran() {
        armed = nil
        guard let deadline else { return }
        if deadline <= Self.now {
            fire()
        } else {
            arm(deadline)
        }
    }
}
