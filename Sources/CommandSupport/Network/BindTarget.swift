import ArgumentParser
package import Primitives

/// What `--bind` names: an address of this machine, or one of its network interfaces.
package enum BindTarget: Equatable, Sendable, ExpressibleByArgument {
    /// The port is 0.
    case address(Endpoint)
    case interface(String)

    package init?(argument: String) {
        let bare = argument.hasPrefix("[") && argument.hasSuffix("]") ? argument.dropFirst().dropLast() : argument[...]
        if let endpoint = Endpoint(host: bare, port: 0) {
            self = .address(endpoint)
        } else {
            // Linux allows 15 bytes without slashes, colons and blanks.
            guard (1...15).contains(argument.utf8.count), !argument.contains(where: { "/:[] ".contains($0) })
            else { return nil }
            self = .interface(argument)
        }
    }
}
