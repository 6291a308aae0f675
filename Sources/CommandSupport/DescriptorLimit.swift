import Glibc

/// How many files and sockets a command may have open, and what that leaves for each purpose.
package struct DescriptorLimit: Sendable {
    package let count: Int

    package init(_ count: Int) {
        self.count = count
    }

    /// The process's own: asks the system for all that it may have.
    package static func ofProcess() -> DescriptorLimit {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return DescriptorLimit(256) }
        let soft = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = soft }
        return DescriptorLimit(Int(clamping: limit.rlim_cur))
    }

    /// What a host, its files and the libraries need at least, beside the three standard streams.
    private static let neededCount = 56

    /// Ends the program with one line where fewer descriptors are free than any command may need.
    ///
    /// Called first of all: event loops and libraries trap when they get none.
    package static func require(for program: String) {
        let limit = ofProcess()
        let free = limit.freeCount(upTo: neededCount)
        guard free < neededCount else { return }
        Terminal.write(limit.complaint(of: program, free: free), to: STDERR_FILENO)
        exit(ProgramExit.failure.rawValue)
    }

    func complaint(of program: String, free: Int) -> String {
        """
        \(program): error: \(free) of the \(count) files and sockets that may be open (RLIMIT_NOFILE) are free, and \
        \(Self.neededCount) are needed
        \(program): try: ulimit -n 1024, or LimitNOFILE=1024 in the settings of the service

        """
    }

    /// How many more files can be opened now, counted up to `wanted`; those that were inherited are not free.
    private func freeCount(upTo wanted: Int) -> Int {
        var opened: [CInt] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < wanted {
            let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            if descriptor < 0 { return errno == EMFILE || errno == ENFILE ? opened.count : wanted }
            opened.append(descriptor)
        }
        return wanted
    }

    /// Files of one torrent that may be open at once, of `wanted`.
    package func files(_ wanted: Int) -> Int { max(4, min(wanted, count / 4)) }

    /// Pipes at once, of `wanted`; each is two descriptors, so they take an eighth at most.
    package func pipes(_ wanted: Int) -> Int { min(wanted, count / 16) }

    /// Connections at once, of `wanted`: what the files and the rest of the program leave.
    package func connections(_ wanted: Int) -> Int { max(1, min(wanted, count - count / 2 - 24)) }
}
