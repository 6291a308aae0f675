import CShims
import Glibc
import Primitives

/// The sockets of one local address: UDP and TCP on the same port, because peers found by one are reached by the other.
struct BoundHome: Sendable {
    /// With the port read back.
    let local: Endpoint
    let udp: CInt
    let tcp: CInt?

    /// Connections that the system has accepted and we have not.
    private static let backlog: CInt = 512
    /// Tries to find a port that is free everywhere, when any will do.
    private static let attemptsMax = 32

    /// Opens the sockets of all addresses, or none.
    static func openAll(_ configuration: HostConfiguration) throws(HostError) -> [BoundHome] {
        let mayChoose = configuration.binds.contains { $0.port == 0 }
        for attempt in 1... {
            do {
                return try openOnce(configuration)
            } catch HostError.cannotBind(_, errno: EADDRINUSE) where mayChoose && attempt < attemptsMax {
                // The port that UDP was given is taken for TCP, or on the next address.
            }
        }
        throw .noUsableAddress
    }

    private static func openOnce(_ configuration: HostConfiguration) throws(HostError) -> [BoundHome] {
        var homes: [BoundHome] = []
        var chosenPort: UInt16 = 0
        for bind in configuration.binds {
            var local = bind
            if local.port == 0 { local.port = chosenPort }
            do {
                let home = try open(local, configuration)
                homes.append(home)
                if bind.port == 0 { chosenPort = home.local.port }
            } catch .cannotBind(_, errno: EADDRNOTAVAIL) where configuration.skipsUnavailableBinds {
            } catch .cannotBind(_, errno: EAFNOSUPPORT) where configuration.skipsUnavailableBinds {
            } catch {
                for home in homes { home.close() }
                throw error
            }
        }
        guard !homes.isEmpty else { throw .noUsableAddress }
        return homes
    }

    private static func open(_ endpoint: Endpoint, _ configuration: HostConfiguration) throws(HostError) -> BoundHome {
        var local = endpoint
        let udp = mainline_udp_open(local.forSystemCalls, CInt(clamping: configuration.udpBufferBytes))
        guard udp >= 0 else { throw .cannotBind(local, errno: -udp) }
        let port = mainline_local_port(udp)
        guard let port = UInt16(exactly: port), port > 0 else {
            mainline_close(udp)
            throw .cannotBind(local, errno: -port)
        }
        local.port = port
        guard configuration.acceptsPeers else { return BoundHome(local: local, udp: udp, tcp: nil) }
        let tcp = mainline_tcp_listen(local.forSystemCalls, backlog)
        guard tcp >= 0 else {
            mainline_close(udp)
            throw .cannotBind(local, errno: -tcp)
        }
        return BoundHome(local: local, udp: udp, tcp: tcp)
    }

    /// For sockets that no channel has taken over.
    func close() {
        mainline_close(udp)
        if let tcp { mainline_close(tcp) }
    }
}
