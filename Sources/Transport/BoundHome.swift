import CShims
import Glibc
import Primitives

/// The sockets of one local address: UDP and TCP on the same port, because peers found by one are reached by the other.
struct BoundHome: Sendable {
    /// A network interface that sockets are bound to.
    struct Device: Hashable, Sendable {
        let name: String
        /// Another one when the interface was deleted and made again: sockets are bound to the number.
        let index: CInt

        /// Nil when the interface is not there.
        init?(_ name: String) {
            index = mainline_interface_index(name)
            guard index > 0 else { return nil }
            self.name = name
        }
    }

    /// With the port read back.
    let local: Endpoint
    /// Nil where `--bind` names none, and no interface lists the address.
    let device: Device?
    /// What of `--bind` this home comes from; nil without it.
    let target: BindTarget?
    let udp: CInt
    let tcp: CInt?
    /// Where there is a device: sockets that answer for the ports from which connections are made.
    let guards: [Guard]

    /// A port, and the socket that answers for it.
    struct Guard: Sendable {
        let port: UInt16
        let descriptor: CInt
    }

    /// A peer that is called again within a minute is called from another port.
    private static let guardsMax = 8

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
        let interfaces = configuration.boundTo.isEmpty ? Interfaces([]) : Interfaces.ofMachine
        for bind in configuration.binds {
            var local = bind
            if local.port == 0 { local.port = chosenPort }
            do {
                let home = try open(local, in: interfaces, configuration)
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

    /// An address that an interface lists is bound to that interface too; one of a named interface always is.
    private static func open(
        _ local: Endpoint, in interfaces: Interfaces, _ configuration: HostConfiguration
    ) throws(HostError) -> BoundHome {
        let target = configuration.boundTo[local.host]
        let device: String? =
            switch target {
            case .address: target?.place(local.family, in: interfaces)?.device
            case .interface(let name): name
            case nil: nil
            }
        return try open(local, on: device, for: target, configuration)
    }

    /// `ports` are those that an earlier home made its connections from.
    static func open(
        _ endpoint: Endpoint, on name: String?, for target: BindTarget?, callingFrom ports: [UInt16] = [],
        _ configuration: HostConfiguration
    ) throws(HostError) -> BoundHome {
        var local = endpoint
        let device = name.flatMap { Device($0) }
        // Never without the device instead.
        if let name, device == nil { throw .cannotHold(name, errno: ENODEV) }
        var isDeviceRefused = false
        let buffer = CInt(clamping: configuration.udpBufferBytes)
        let udp = mainline_udp_open(local.forSystemCalls, device?.name, buffer, &isDeviceRefused)
        guard udp >= 0 else { throw error(-udp, local, isDeviceRefused ? device : nil) }
        let port = mainline_local_port(udp)
        guard let port = UInt16(exactly: port), port > 0 else {
            mainline_close(udp)
            throw .cannotBind(local, errno: -port)
        }
        local.port = port
        guard configuration.acceptsPeers else {
            return BoundHome(local: local, device: device, target: target, udp: udp, tcp: nil, guards: [])
        }
        let tcp = mainline_tcp_listen(local.forSystemCalls, device?.name, backlog, &isDeviceRefused)
        guard tcp >= 0 else {
            mainline_close(udp)
            throw error(-tcp, local, isDeviceRefused ? device : nil)
        }
        let guards = device.map { openGuards(local, $0, ports) } ?? []
        return BoundHome(local: local, device: device, target: target, udp: udp, tcp: tcp, guards: guards)
    }

    /// A port that cannot be had is left out; without any, connections are made from the ports that the system chooses.
    private static func openGuards(_ local: Endpoint, _ device: Device, _ ports: [UInt16]) -> [Guard] {
        (0..<guardsMax).compactMap { index in
            var local = local
            local.port = index < ports.count ? ports[index] : 0
            var descriptor = mainline_port_guard(local.forSystemCalls, device.name)
            if descriptor < 0, local.port != 0 {
                local.port = 0
                descriptor = mainline_port_guard(local.forSystemCalls, device.name)
            }
            guard descriptor >= 0 else { return nil }
            guard let port = UInt16(exactly: mainline_local_port(descriptor)), port > 0 else {
                mainline_close(descriptor)
                return nil
            }
            return Guard(port: port, descriptor: descriptor)
        }
    }

    /// The port to call a peer from: the same one each time, or another one when that is not free.
    ///
    /// A peer that still believes in a connection which is lost drops it when it is called from its port anew.
    func callingPort(for endpoint: Endpoint, attempt: Int) -> UInt16? {
        guard attempt < guards.count else { return nil }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in endpoint.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return guards[(Int(hash % UInt64(guards.count)) + attempt) % guards.count].port
    }

    private static func error(_ errno: CInt, _ local: Endpoint, _ refused: Device?) -> HostError {
        refused.map { .cannotHold($0.name, errno: errno) } ?? .cannotBind(local, errno: errno)
    }

    /// For sockets that no channel has taken over.
    func close() {
        mainline_close(udp)
        if let tcp { mainline_close(tcp) }
        closeGuards()
    }

    /// Sockets that hold its ports while the interface is gone; best effort.
    func openMutes() -> [CInt] {
        let tcpPorts = (tcp == nil ? [] : [local.port]) + guards.map(\.port)
        let all = [(local.port, false)] + tcpPorts.map { ($0, true) }
        return all.compactMap { port, isTCP in
            var endpoint = local
            endpoint.port = port
            let descriptor = mainline_mute_open(endpoint.forSystemCalls, isTCP)
            return descriptor >= 0 ? descriptor : nil
        }
    }

    /// No channel takes these over.
    func closeGuards() {
        for one in guards { mainline_close(one.descriptor) }
    }
}
