import Glibc

/// What the process was started in, read once: what output looks like depends on it and on the flags alone.
package struct Surroundings: Equatable, Sendable {
    package var outputIsTerminal = false
    package var errorIsTerminal = false
    /// `NO_COLOR` is set and not empty (no-color.org).
    package var refusesColor = false
    /// `TERM` is `dumb` or absent: no cursor control.
    package var isDumb = false

    package init() {}

    package static var ofProcess: Surroundings {
        var surroundings = Surroundings()
        surroundings.outputIsTerminal = isatty(STDOUT_FILENO) == 1
        surroundings.errorIsTerminal = isatty(STDERR_FILENO) == 1
        surroundings.refusesColor = !(environment("NO_COLOR") ?? "").isEmpty
        surroundings.isDumb = ["", "dumb"].contains(environment("TERM") ?? "")
        return surroundings
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

/// The terminal behind standard error.
enum Terminal {
    /// Puts the cursor at the start of the line and erases it.
    static let eraseLine = "\r\u{1B}[K"

    /// Columns, as the window is now; 80 where nobody knows.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes everything, however slowly the other side reads.
    ///
    /// When nobody reads standard output any more, the process ends as every filter does, by SIGPIPE: the networking
    /// library has that signal ignored.
    static func write(_ text: String, to descriptor: CInt) { write(Array(text.utf8), to: descriptor) }

    /// Writes bytes in the same way.
    static func write(_ content: [UInt8], to descriptor: CInt) {
        var bytes = content[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                bytes = bytes.dropFirst(count)
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if errno == EPIPE, descriptor == STDOUT_FILENO {
                signal(SIGPIPE, SIG_DFL)
                raise(SIGPIPE)
                return
            } else if errno != EINTR {
                return
            }
        }
    }
}
