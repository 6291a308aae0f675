package import Primitives

/// What `--bind` names: an address of this machine, or one of its network interfaces.
package enum BindTarget: Hashable, Sendable {
    /// The port is 0.
    case address(Endpoint)
    case interface(String)

    /// Nil for a text that can be neither.
    package init?(_ text: String) {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
        if let endpoint = Endpoint(host: bare, port: 0) {
            self = .address(endpoint)
        } else {
            // Linux allows 15 bytes without slashes, colons and blanks.
            guard (1...15).contains(text.utf8.count), !text.contains(where: { "/:[] ".contains($0) })
            else { return nil }
            self = .interface(text)
        }
    }

    /// As it was written.
    package var name: String {
        switch self {
        case .address(let address): address.hostText
        case .interface(let name): name
        }
    }
}

extension BindTarget {
    /// Where sockets of a family get their address, as the interfaces are now: an address, and the interface that lists
    /// it; nil when there is none.
    ///
    /// An interface gives its most public address, never a link-local one; `current` is kept as long as it is listed.
    package func place(
        _ family: Endpoint.Family, in interfaces: Interfaces, current: BindPlace? = nil
    ) -> BindPlace? {
        let listed: [Interfaces.Entry]
        switch self {
        case .address(let address):
            guard address.family == family, !address.isAnyAddress else { return nil }
            listed = interfaces.entries.filter { $0.address.host == address.host }
        case .interface(let name):
            let order: [AddressScope] = [.global, .privateUse, .loopback]
            let own = interfaces.entries.filter { $0.interface == name && $0.address.family == family }
            listed = order.flatMap { scope in own.filter { $0.address.scope == scope } }
        }
        let places = listed.map { BindPlace(address: $0.address.host, device: $0.interface, isUp: $0.isUp) }
        let kept = places.first { $0.address == current?.address && $0.device == current?.device }
        return kept ?? places.first(where: \.isUp) ?? places.first
    }
}

/// An address that an interface lists.
package struct BindPlace: Equatable, Sendable {
    /// The port is 0.
    package let address: Endpoint
    package let device: String
    /// Packets can leave by the interface.
    package let isUp: Bool

    package init(address: Endpoint, device: String, isUp: Bool) {
        self.address = address
        self.device = device
        self.isUp = isUp
    }
}
