import Glibc
import Synchronization

/// SIGINT and SIGTERM: the first asks for a clean end, the second leaves at once.
package enum Signals {
    private static let handler = Mutex<(@Sendable (ProgramExit) -> Void)?>(nil)

    /// Blocks both signals for all threads and lets one thread wait for them.
    ///
    /// Call it first, before there is any other thread. Until `onFirst` is called, the first signal leaves at once too.
    package static func takeOver() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { _ in Signals.wait() }, nil)
        // Without that thread the signals would be lost: let them do what they always do.
        if code != 0 { pthread_sigmask(SIG_UNBLOCK, &set, nil) }
    }

    /// Says what the first signal does, with the exit status of a command that it interrupts.
    package static func onFirst(_ action: @escaping @Sendable (ProgramExit) -> Void) {
        handler.withLock { $0 = action }
    }

    private static func wait() -> UnsafeMutableRawPointer? {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        while true {
            var signal: CInt = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            let status: ProgramExit = signal == SIGINT ? .interrupted : .terminated
            let action = handler.withLock { handler in
                defer { handler = nil }
                return handler
            }
            guard let action else { leave(status) }
            action(status)
        }
    }

    /// Nothing is flushed or closed, and no lock is taken: whoever holds it may be what hangs.
    private static func leave(_ status: ProgramExit) -> Never {
        if isatty(STDERR_FILENO) == 1 { Terminal.write("\n", to: STDERR_FILENO) }
        _exit(status.rawValue)
    }
}
