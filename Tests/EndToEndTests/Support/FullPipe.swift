import Glibc

/// A named pipe without room for another byte.
final class FullPipe {
    let path: String
    private let descriptor: CInt

    init(_ path: String) throws {
        self.path = path
        // Open for both, so that writers find a reader, who never reads.
        guard mkfifo(path, 0o600) == 0 else { throw Trouble("no pipe: \(String(cString: strerror(errno)))") }
        descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        let page = [UInt8](repeating: 0, count: 4_096)
        while write(descriptor, page, page.count) > 0 {}
    }

    deinit { close(descriptor) }
}
