/// An IPv4 address and port in 6 bytes, host byte order.
///
/// Comparisons of this and the next two are inlined into the loops of other modules.
package struct EndpointV4: Hashable, Comparable, Sendable {
    package var address: UInt32
    package var port: UInt16

    package init(address: UInt32, port: UInt16) {
        self.address = address
        self.port = port
    }

    @inlinable
    package static func == (left: EndpointV4, right: EndpointV4) -> Bool {
        left.address == right.address && left.port == right.port
    }

    package static func < (left: EndpointV4, right: EndpointV4) -> Bool {
        (left.address, left.port) < (right.address, right.port)
    }
}

/// An IPv6 address and port in 18 bytes, host byte order.
package struct EndpointV6: Hashable, Comparable, Sendable {
    /// The network half, /64.
    package var high: UInt64
    package var low: UInt64
    package var port: UInt16

    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    @inlinable
    package static func == (left: EndpointV6, right: EndpointV6) -> Bool {
        left.high == right.high && left.low == right.low && left.port == right.port
    }

    package static func < (left: EndpointV6, right: EndpointV6) -> Bool {
        (left.high, left.low, left.port) < (right.high, right.low, right.port)
    }
}

/// Where a datagram or a connection comes from or goes to.
package enum Endpoint: Hashable, Comparable, Sendable {
    case v4(EndpointV4)
    case v6(EndpointV6)

    package enum Family: Hashable, Sendable { case v4, v6 }

    package static func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, port: UInt16) -> Endpoint {
        .v4(EndpointV4(address: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d), port: port))
    }

    @inlinable
    package static func == (left: Endpoint, right: Endpoint) -> Bool {
        switch (left, right) {
        case (.v4(let left), .v4(let right)): left == right
        case (.v6(let left), .v6(let right)): left == right
        case (.v4, .v6), (.v6, .v4): false
        }
    }

    @inlinable
    package var family: Family {
        switch self {
        case .v4: .v4
        case .v6: .v6
        }
    }

    package var port: UInt16 {
        get {
            switch self {
            case .v4(let endpoint): endpoint.port
            case .v6(let endpoint): endpoint.port
            }
        }
        set {
            switch self {
            case .v4(var endpoint):
                endpoint.port = newValue
                self = .v4(endpoint)
            case .v6(var endpoint):
                endpoint.port = newValue
                self = .v6(endpoint)
            }
        }
    }

    /// The same host with port 0: what a limit per address counts by.
    package var host: Endpoint {
        var copy = self
        copy.port = 0
        return copy
    }
}
