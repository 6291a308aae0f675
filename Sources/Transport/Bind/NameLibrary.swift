import CShims
import Primitives
import Synchronization

/// c-ares, opened when the first name has to be resolved from an address of `--bind`.
enum NameLibrary {
    /// The one of Debian, Ubuntu, Fedora and Arch.
    private static let file = "libcares.so.2"
    /// More addresses of a name are left out.
    private static let addressesMax = 64

    /// c-ares allows look-ups of several threads, each with a channel of its own.
    private struct Opened: @unchecked Sendable {
        let library: OpaquePointer?
        let reason: String
    }

    private static let opened: Opened = {
        var reason = [CChar](repeating: 0, count: 256)
        let library = mainline_names_open(file, &reason, reason.count)
        return Opened(library: library, reason: text(reason))
    }()

    /// Blocks for at most `limit`.
    ///
    /// The first of the targets that is there is used.
    static func lookUp(
        _ host: String, _ port: UInt16, within limit: Duration, from targets: [BindTarget],
        _ families: Set<Endpoint.Family>
    ) -> Result<[Endpoint], Resolver.Failure> {
        guard let library = opened.library else { return .failure(.libraryMissing(host, reason: opened.reason)) }
        let interfaces = Interfaces.ofMachine
        let routes = targets.map { NameRoute($0, families, in: interfaces) }
        guard let route = routes.first(where: \.isUsable) else {
            let names = targets.map(\.name).joined(separator: ", ")
            return .failure(.unknownHost(host, reason: "\(names) is down"))
        }
        var found = Array(repeating: mainline_endpoint(), count: addressesMax)
        var reason = [CChar](repeating: 0, count: 256)
        let count = route.withShim { shim in
            mainline_names_look_up(
                library, host, &shim, CInt(clamping: limit.wholeNanoseconds / 1_000_000), &found, found.count, &reason,
                reason.count)
        }
        guard count > 0 else { return .failure(failure(count, host, route, text(reason))) }
        var endpoints: [Endpoint] = []
        for address in found.prefix(Int(count)) {
            var endpoint = Endpoint(address)
            endpoint.port = port
            if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        }
        return .success(endpoints)
    }

    private static func failure(
        _ code: CInt, _ host: String, _ route: NameRoute, _ reason: String
    ) -> Resolver.Failure {
        switch code {
        case MAINLINE_NAMES_TIMED_OUT.rawValue: .timedOut(host)
        case MAINLINE_NAMES_LOCAL_SERVER.rawValue: .localServer(host, server: reason, route.name)
        case MAINLINE_NAMES_NOT_BOUND.rawValue:
            .unknownHost(host, reason: "no question leaves by \(route.name): \(reason)")
        default: .unknownHost(host, reason: reason)
        }
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Where the questions about names leave from.
private struct NameRoute {
    /// Of the interface or address, for messages.
    let name: String
    private let device: String?
    private let addresses: [Endpoint]
    let isUsable: Bool

    /// An address that no interface lists is bound as it is, as the sockets of its home are.
    init(_ target: BindTarget, _ families: Set<Endpoint.Family>, in interfaces: Interfaces) {
        name = target.name
        let places = [Endpoint.Family.v4, .v6].filter(families.contains).compactMap { target.place($0, in: interfaces) }
        device = places.first?.device
        if case .address(let address) = target, places.isEmpty {
            addresses = [address]
            isUsable = true
        } else {
            addresses = places.filter { $0.device == places.first?.device }.map(\.address)
            isUsable = places.contains(where: \.isUp)
        }
    }

    func withShim<Result>(_ body: (inout mainline_names_route) -> Result) -> Result {
        var shim = mainline_names_route()
        if let v4 = addresses.first(where: { $0.family == .v4 }) { (shim.v4, shim.has_v4) = (v4.forSystemCalls, true) }
        if let v6 = addresses.first(where: { $0.family == .v6 }) { (shim.v6, shim.has_v6) = (v6.forSystemCalls, true) }
        guard let device else { return body(&shim) }
        return device.withCString { name in
            shim.device = name
            return body(&shim)
        }
    }
}
