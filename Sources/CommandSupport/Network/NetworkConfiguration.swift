package import Kademlia
package import Metainfo
package import Primitives
package import Transport

/// What the network flags come to, before any name is resolved.
package struct NetworkConfiguration: Equatable, Sendable {
    package var families: Set<Endpoint.Family> = [.v4, .v6]
    /// Several of one family are several homes of the node (BEP 45).
    package private(set) var binds: [Endpoint] = []
    /// What of `--bind` each of the `binds` comes from, by address with port 0.
    package private(set) var boundTo: [Endpoint: BindTarget] = [:]
    /// Somebody said where traffic leaves from: nothing may leave from anywhere else.
    package private(set) var isBindGiven = false
    package var bootstrap: [PeerAddress] = Routers.builtIn.compactMap { PeerAddress($0) }
    package var isBootstrapGiven = false
    /// Nil: see `mode(bootstrap:)`.
    package var mode: NetworkMode?
    package var isReadOnly = false
    package var mayResolveNames = true
    package var state = StateChoice.standard
    package var limits = Budgets.Preset.default

    /// A node of more addresses is a network of its own.
    static let bindsMax = 64

    package init() {}

    /// Why `--bind` cannot be followed.
    package struct BindError: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Sets the local addresses: any of each family, or those that the targets name.
    package mutating func bind(_ targets: [BindTarget], port: UInt16, interfaces: @autoclosure () -> Interfaces)
        throws(BindError)
    {
        isBindGiven = !targets.isEmpty
        guard isBindGiven else {
            let any: [Endpoint] = [.v4(0, 0, 0, 0, port: port), .v6(EndpointV6(high: 0, low: 0, port: port))]
            binds = any.filter { families.contains($0.family) }
            return
        }
        binds = []
        boundTo = [:]
        for target in targets {
            switch target {
            case .address(let address):
                guard families.contains(address.family) else {
                    throw BindError(description: "--bind \(address.hostText) is of the family that is switched off.")
                }
                try add(address, port: port, target)
            case .interface(let name):
                for address in try usableAddresses(of: name, interfaces()) {
                    try add(address, port: port, target)
                }
            }
        }
        families.formIntersection(binds.map(\.family))
    }

    /// One address for each family: the most public one, link-local ones never.
    private func usableAddresses(of name: String, _ interfaces: Interfaces) throws(BindError) -> [Endpoint] {
        let all = interfaces.addresses(of: name)
        guard !all.isEmpty else {
            throw BindError(description: "--bind \(name): there is no such interface, or it has no address.")
        }
        let target = BindTarget.interface(name)
        let usable = [Endpoint.Family.v4, .v6].filter(families.contains)
            .compactMap { target.place($0, in: interfaces)?.address }
        guard !usable.isEmpty else {
            throw BindError(description: "--bind \(name): the interface has no usable address.")
        }
        return usable
    }

    private mutating func add(_ address: Endpoint, port: UInt16, _ target: BindTarget) throws(BindError) {
        guard !binds.contains(where: { $0.host == address.host }) else {
            throw BindError(description: "--bind names \(address.hostText) twice.")
        }
        let wildcard = (binds + [address]).first { $0.isAnyAddress && $0.family == address.family }
        guard wildcard == nil || !binds.contains(where: { $0.family == address.family }) else {
            throw BindError(description: "--bind names any address of a family, and one of it besides.")
        }
        guard binds.count < Self.bindsMax else { throw BindError(description: "--bind: at most \(Self.bindsMax).") }
        var endpoint = address
        endpoint.port = port
        binds.append(endpoint)
        boundTo[address.host] = target
    }

    /// The mode to run in: the one given; else private when every bootstrap node given is loopback or private.
    ///
    /// `bootstrap` has the addresses of the nodes, their names resolved.
    package func mode(bootstrap: [Endpoint]) -> NetworkMode {
        if let mode { return mode }
        guard isBootstrapGiven, !bootstrap.isEmpty else { return .public }
        let areAllPrivate = bootstrap.allSatisfy { $0.scope == .loopback || $0.scope == .privateUse }
        return areAllPrivate ? .private : .public
    }
}
