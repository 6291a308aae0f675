import Glibc

/// Somebody who is there and never says a word: takes datagrams or connections, and nothing else.
final class SilentSocket {
    let endpoint: String
    private let descriptor: CInt

    init(_ host: String, _ kind: __socket_type, port: UInt16 = 6881) throws {
        descriptor = socket(AF_INET, CInt(kind.rawValue), 0)
        endpoint = "\(host):\(port)"
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard code == 0, kind == SOCK_DGRAM || listen(descriptor, 16) == 0 else {
            throw Trouble("cannot bind \(endpoint): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }
}
