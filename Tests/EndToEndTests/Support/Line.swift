import Glibc

/// A way to write to the standard input of a child.
///
/// A pair of sockets instead of a pipe: writing to a child that is gone is then an error, not a signal that ends us.
final class Line: Sendable {
    /// The child's end.
    let far: CInt
    private let near: CInt

    init() throws {
        var ends: [CInt] = [-1, -1]
        // Closed in children, but for the copy that one of them gets: else no end of this would ever be seen.
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw Trouble("no pair of sockets: \(String(cString: strerror(errno)))")
        }
        (near, far) = (ends[0], ends[1])
    }

    deinit { close(near) }

    /// Once the child has its copy.
    func closeFar() { close(far) }

    func write(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = send(near, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    }
}
