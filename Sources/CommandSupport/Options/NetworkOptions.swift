package import ArgumentParser
package import Kademlia
package import Metainfo
import Primitives
package import Transport

/// The flags of every command that touches the network.
package struct NetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A node to enter the DHT by; replaces the built-in list. Repeatable.", valueName: "host:port"))
    package var bootstrap: [PeerAddress] = []

    @Option(
        help: ArgumentHelp(
            """
            All traffic, name resolution too, leaves from this address or interface, or not at all, also while the \
            interface is down or has another address. Sockets are bound to the interface (needs Linux 5.7), and names \
            are resolved by c-ares (libc-ares2) from there. Repeatable: each address is a node of its own (BEP 45).
            """, valueName: "address|interface"))
    package var bind: [BindTarget] = []

    @Option(help: ArgumentHelp("UDP and TCP port; 0 takes a free one.", valueName: "n"))
    package var port: UInt16?

    @Option(
        help: ArgumentHelp(
            """
            Keep the node's id and table there. (default: $XDG_STATE_HOME/mainline, or ~/.local/state/mainline; none \
            on a private network)
            """, valueName: "dir"))
    package var state: String?

    @Flag(help: "Start without the id and table of the last run, and leave none.")
    package var noState = false

    @Option(
        help: ArgumentHelp(
            """
            public refuses loopback, private and other special addresses as contacts; private accepts loopback and \
            private ones. (default: private when all given bootstrap nodes are loopback or private, else public)
            """, valueName: "public|private"))
    package var network: NetworkMode?

    @Flag(name: .customLong("ipv4"), help: "IPv4 only.")
    package var ipv4Only = false

    @Flag(name: .customLong("ipv6"), help: "IPv6 only.")
    package var ipv6Only = false

    @Flag(help: "Ask the DHT, but answer nobody and stay out of others' tables (BEP 43).")
    package var readOnly = false

    @Option(
        help: ArgumentHelp(
            """
            What the node may cost: low for weak routers, high for servers, off for trusted networks and measurements. \
            Bounds packets, new endpoints and flows per second, and what a source may ask of us.
            """, valueName: "low|default|high|off"))
    package var limits = Budgets.Preset.default

    @Flag(name: .customLong("no-dns"), help: "Resolve no host names: every address must be given as a number.")
    package var noDNS = false

    package init() {}

    package func validate() throws {
        if ipv4Only, ipv6Only { throw ValidationError("--ipv4 and --ipv6 exclude each other.") }
        if state != nil, noState { throw ValidationError("--state and --no-state exclude each other.") }
        if state == "" { throw ValidationError("--state is empty.") }
        if noDNS, let name = bootstrap.first(where: { $0.endpoint == nil }) {
            throw ValidationError("--bootstrap \(name) is a name, and --no-dns forbids to resolve it.")
        }
    }

    /// What the flags come to.
    ///
    /// Throws a `ValidationError` when an interface does not exist or has no fitting address.
    package func configuration(defaultPort: UInt16) throws -> NetworkConfiguration {
        var configuration = NetworkConfiguration()
        configuration.families = ipv4Only ? [.v4] : ipv6Only ? [.v6] : [.v4, .v6]
        configuration.mode = network
        configuration.isReadOnly = readOnly
        configuration.mayResolveNames = !noDNS
        configuration.limits = limits
        configuration.state = noState ? .none : state.map { .folder($0) } ?? .standard
        if !bootstrap.isEmpty {
            configuration.bootstrap = bootstrap
            configuration.isBootstrapGiven = true
        } else if network == .private {
            // The built-in routers are of the internet.
            configuration.bootstrap = []
        }
        let port = port ?? defaultPort
        do {
            try configuration.bind(bind, port: port, interfaces: Interfaces.ofMachine)
        } catch {
            throw ValidationError(error.description)
        }
        return configuration
    }
}

extension Budgets.Preset: ExpressibleByArgument {}

extension NetworkMode: ExpressibleByArgument {
    package init?(argument: String) {
        switch argument {
        case "public": self = .public
        case "private": self = .private
        default: return nil
        }
    }

}

extension PeerAddress: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
