import Primitives

/// Who has which address in a swarm with rude peers.
enum SwarmAddresses {
    /// How rude peers are spread over the internet; drawn for each seed.
    enum Plan: String, CaseIterable, Sendable {
        /// Each in a network of its own.
        case apart
        /// All in one /24.
        case oneNetwork = "one-network"
        /// All on one address.
        case oneAddress = "one-address"
        /// Each on the address of an honest peer, as behind the same translator.
        case shared
    }

    static let port: UInt16 = 6_881

    /// Honest peers have a network each: the same allowed fast pieces (BEP 6) for all would be a crowd of one house.
    static func honest(_ number: Int) -> Endpoint {
        .v4(45, UInt8(number >> 8), UInt8(number & 255), 1, port: port)
    }

    static func rude(_ number: Int, _ plan: Plan, neighbour: Endpoint) -> Endpoint {
        let low = UInt16(number & 0x3FFF)
        switch plan {
        case .apart: return .v4(46, UInt8(number >> 8), UInt8(number & 255), 1, port: port)
        case .oneNetwork: return .v4(47, 1, 1, UInt8(1 + number % 250), port: port + low / 250)
        case .oneAddress: return .v4(48, 1, 1, 1, port: 10_000 + low)
        case .shared:
            var endpoint = neighbour
            endpoint.port = 10_000 + low
            return endpoint
        }
    }

    /// An endpoint where no peer is.
    static func dead(using generator: inout SeededGenerator) -> Endpoint {
        let address = UInt32.random(in: 0...0xFF_FFFF, using: &generator) | 49 << 24
        return .v4(EndpointV4(address: address, port: UInt16.random(in: 1_024...65_535, using: &generator)))
    }
}
