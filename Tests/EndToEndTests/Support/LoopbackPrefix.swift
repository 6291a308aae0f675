import Glibc

/// Three octets of 127.0.0.0/8 that no other test or rig on this machine uses at the same time.
///
/// A socket that is bound below the prefix is the claim, and ends with its process, whatever way that ends. The rigs of
/// Tools/Interop make the same claim (`rig.loopback_prefix`).
final class LoopbackPrefix {
    let text: String
    private let claim: CInt

    /// The address and the port of the claim.
    private static let lastOctet = 255
    private static let port: UInt16 = 6_880
    private static let attemptsMax = 100

    init() throws {
        for _ in 0..<Self.attemptsMax {
            let text = "127.\(Int.random(in: 20...250)).\(Int.random(in: 0...255))"
            let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            if Self.bind(descriptor, "\(text).\(Self.lastOctet)") {
                (self.text, claim) = (text, descriptor)
                return
            }
            close(descriptor)
        }
        throw Trouble("no prefix of 127.0.0.0/8 is free: \(String(cString: strerror(errno)))")
    }

    deinit { close(claim) }

    private static func bind(_ descriptor: CInt, _ host: String) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
