import Glibc
import Synchronization

/// SIGINT and SIGTERM: the first asks for a clean end, the second leaves at once.
///
/// The handler only writes the signal's number into a pipe, which one thread reads. Blocking the signals and waiting
/// for them would be simpler, but the runtime parks the main thread with every signal unblocked.
package enum Signals {
    private static let handler = Mutex<(@Sendable (ProgramExit) -> Void)?>(nil)

    /// Takes both signals over, also where the shell has them ignored, as it does for jobs in the background.
    ///
    /// Until `onFirst` is called, the first signal leaves at once too.
    package static func takeOver() {
        var ends: [CInt] = [-1, -1]
        // Without a pipe or a thread the signals do what they always do.
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A handler must never wait, not even when somebody sends signals by the thousand.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        pipeEnd = ends[1]
        let readEnd = UnsafeMutableRawPointer(bitPattern: Int(ends[0]))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                Signals.wait(CInt(Int(bitPattern: argument)))
                return nil
            }, readEnd)
        guard code == 0 else { return }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { passOn($0) }
        action.sa_flags = SA_RESTART
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
    }

    /// Says what the first signal does, with the exit of a command that it interrupts.
    package static func onFirst(_ action: @escaping @Sendable (ProgramExit) -> Void) {
        handler.withLock { $0 = action }
    }

    private static func wait(_ readEnd: CInt) {
        var signal: UInt8 = 0
        while true {
            let count = read(readEnd, &signal, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return }
            let exit: ProgramExit = CInt(signal) == SIGINT ? .interrupted : .terminated
            let action = handler.withLock { handler in
                defer { handler = nil }
                return handler
            }
            guard let action else { leave(exit) }
            action(exit)
        }
    }

    /// Nothing is flushed or closed, and no lock is taken: whoever holds it may be what hangs.
    private static func leave(_ exit: ProgramExit) -> Never {
        if isatty(STDERR_FILENO) == 1 { Terminal.write("\n", to: STDERR_FILENO) }
        _exit(exit.rawValue)
    }
}

/// Where the handler writes; set before the handler is installed and never changed.
private nonisolated(unsafe) var pipeEnd: CInt = -1

/// The handler: nothing but what is safe within any system call.
private func passOn(_ signal: CInt) {
    let saved = errno
    var number = UInt8(truncatingIfNeeded: signal)
    write(pipeEnd, &number, 1)
    errno = saved
}
