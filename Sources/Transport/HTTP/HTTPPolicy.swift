package import Primitives

/// One step of a request: an address that it is about to be sent to, and what for.
package struct HTTPHop: Equatable, Sendable {
    /// What is really connected to, after the name was resolved.
    ///
    /// Behind a proxy it is the address that the URL spells out, with port 0: names are resolved out of our sight.
    package let address: Endpoint
    /// Of the URL asked for now, without brackets.
    package let host: String
    /// Of the URL asked for now, without the query; `..` is resolved.
    package let path: String
    package let isRedirected: Bool

    package init(address: Endpoint, host: String, path: String, isRedirected: Bool) {
        self.address = address
        self.host = host
        self.path = path
        self.isRedirected = isRedirected
    }
}

/// Whom a request may reach: URLs of magnets and redirects of servers must not lead to services of our own network.
///
/// It is asked with the address of the connection, not with a name, so no answer of a name server gets around it.
package struct HTTPPolicy: Sendable {
    private let rule: @Sendable (HTTPHop) -> Bool

    /// `rule` is called on the fetcher's thread and must not block.
    package init(_ rule: @escaping @Sendable (HTTPHop) -> Bool) {
        self.rule = rule
    }

    package func allows(_ hop: HTTPHop) -> Bool { rule(hop) }

    /// The internet alone.
    package static let global = HTTPPolicy { $0.address.scope == .global }

    /// The internet, loopback and private networks.
    package static let globalOrLocal = HTTPPolicy { $0.address.scope == .global || $0.isLocal }

    /// As `globalOrLocal`, but on loopback and private networks only what every tracker has.
    ///
    /// A magnet could otherwise make us ask the router or some service of this machine for whatever it likes.
    package static let trackers = HTTPPolicy { hop in
        hop.address.scope == .global || hop.isLocal && hop.asksTracker
    }
}

extension HTTPHop {
    /// Loopback or a private network; never link-local, where machines of a cloud hand out their keys.
    var isLocal: Bool { address.scope == .loopback || address.scope == .privateUse }

    /// The path begins as an announce or scrape, and no server can understand it as another one.
    var asksTracker: Bool {
        (path.hasPrefix("/announce") || path.hasPrefix("/scrape")) && !path.contains("..")
            && !path.contains { $0 == "%" || $0 == "\\" }
    }
}
