import CShims
import Glibc
import Primitives

@testable import Transport

/// A plain UDP socket to talk to a host with.
final class UDPProbe: Sendable {
    private let descriptor: CInt
    let local: Endpoint

    struct CannotOpen: Error {}

    init(at address: Endpoint) throws {
        var isDeviceRefused = false
        descriptor = mainline_udp_open(address.forSystemCalls, nil, 1 << 20, &isDeviceRefused)
        guard descriptor >= 0, let port = UInt16(exactly: mainline_local_port(descriptor)) else { throw CannotOpen() }
        var local = address
        local.port = port
        self.local = local
    }

    deinit {
        mainline_close(descriptor)
    }

    /// Returns how many were refused.
    @discardableResult
    func send(_ packets: [(bytes: [UInt8], to: Endpoint)]) -> Int {
        var bytes: [UInt8] = []
        var datagrams: [mainline_datagram] = []
        for packet in packets {
            datagrams.append(
                mainline_datagram(
                    offset: UInt32(bytes.count), length: UInt32(packet.bytes.count), peer: packet.to.forSystemCalls))
            bytes += packet.bytes
        }
        var lastError: CInt = 0
        return mainline_udp_send(descriptor, bytes, datagrams, datagrams.count, &lastError)
    }

    /// The next datagram; nil if none comes in time.
    func receive(within limit: Duration = .seconds(60)) async throws -> [UInt8]? {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count >= 0 { return Array(bytes[..<count]) }
            guard clock.now < deadline else { return nil }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
