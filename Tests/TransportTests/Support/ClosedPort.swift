import Glibc
import Primitives

/// A TCP port on loopback that takes no connection: bound for as long as this lives, so that nobody else can listen
/// there, and never listened at.
final class ClosedPort {
    let endpoint: Endpoint
    private let descriptor: CInt

    struct CannotBind: Error {}

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        endpoint = .v4(127, 0, 0, 1, port: UInt16(bigEndian: address.sin_port))
        guard isBound else { throw CannotBind() }
    }

    deinit { close(descriptor) }
}
