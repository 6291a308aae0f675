import Glibc

/// A socket of the test's own, on a loopback address, that never waits.
final class UDPSocket {
    private let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 2048)

    /// Bound to a free port, and sending to `endpoint` alone.
    init(from host: String, to endpoint: String) throws {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        let parts = endpoint.split(separator: ":").map(String.init)
        let isReady = Self.with(host, port: 0) { bind(descriptor, $0, $1) } == 0
        guard isReady, Self.with(parts[0], port: UInt16(parts[1]) ?? 0, { connect(descriptor, $0, $1) }) == 0 else {
            throw Trouble("no socket from \(host) to \(endpoint): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, 0) }

    /// What has come; nil when nothing has.
    func receive() -> [UInt8]? {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer[..<count])
    }

    private static func with(
        _ host: String, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
