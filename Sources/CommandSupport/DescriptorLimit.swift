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

    /// Files of one torrent that may be open at once, of `wanted`.
    package func files(_ wanted: Int) -> Int { max(4, min(wanted, count / 4)) }

    /// Pipes at once, of `wanted`; each is two descriptors, so they take an eighth at most.
    package func pipes(_ wanted: Int) -> Int { min(wanted, count / 16) }

    /// Connections at once, of `wanted`: what the files and the rest of the program leave.
    package func connections(_ wanted: Int) -> Int { max(1, min(wanted, count - count / 2 - 24)) }
}
