package import Primitives

/// Where a request leaves from, and through whom.
package struct HTTPRoute: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        case any
        /// The port does not matter; 0.0.0.0 and :: stand for any address of their family.
        ///
        /// The sockets are bound to `device` besides.
        case address(Endpoint, device: String? = nil)
        /// A network interface by name.
        case interface(String)
    }

    package var source = Source.any
    /// Nil: both, whichever answers first.
    package var family: Endpoint.Family?
    /// `socks5h://HOST:PORT` or `http://HOST:PORT`, with `USER:PASSWORD@` if need be; names are then resolved there.
    ///
    /// A proxy that the environment names is never used.
    package var proxy: String?

    package init(source: Source = .any, family: Endpoint.Family? = nil, proxy: String? = nil) {
        self.source = source
        self.family = family
        self.proxy = proxy
    }

    /// Linux allows 15 bytes.
    private static let deviceBytesMax = 15

    /// The family of the source address, or else the one that was asked for.
    var usedFamily: Endpoint.Family? {
        if case .address(let endpoint, _) = source { return endpoint.family }
        return family
    }

    var device: String? {
        switch source {
        case .any: nil
        case .address(_, let device): device
        case .interface(let name): name
        }
    }

    /// The address that sockets are bound to.
    var sourceAddress: Endpoint? {
        guard case .address(let endpoint, _) = source, !endpoint.isAnyAddress else { return nil }
        return endpoint
    }

    func check() throws(HTTPError) {
        if let family, family != usedFamily { throw .badRequest("the source address is of the other family") }
        if case .interface(let name) = source { try Self.check(device: name) }
        if let device { try Self.check(device: device) }
        guard let proxy else { return }
        guard HTTPRequest.isPlain(proxy), HTTPRequest.hasScheme(proxy, of: ["socks5h://", "http://"]) else {
            throw .badRequest("the proxy is neither socks5h://HOST:PORT nor http://HOST:PORT")
        }
    }

    private static func check(device: String) throws(HTTPError) {
        guard (1...deviceBytesMax).contains(device.utf8.count), HTTPRequest.isPlain(device) else {
            throw .badRequest("no network interface can be called '\(device)'")
        }
    }
}
