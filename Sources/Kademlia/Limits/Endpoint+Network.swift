import Digest
import Primitives

extension Endpoint {
    /// The network of the endpoint, a /24 of IPv4 or a /64 of IPv6, as its first address.
    var network: Endpoint {
        switch self {
        case .v4(let endpoint): .v4(EndpointV4(address: endpoint.address & ~0xFF, port: 0))
        case .v6(let endpoint): .v6(EndpointV6(high: endpoint.high, low: 0, port: 0))
        }
    }
}

extension SipHash {
    /// The key of an endpoint in a table, never 0; one word for IPv4, since this is done for every packet.
    func key(of endpoint: Endpoint) -> UInt64 {
        switch endpoint {
        case .v4(let endpoint):
            let word: [1 of UInt64] = [UInt64(endpoint.address) << 16 | UInt64(endpoint.port)]
            return max(1, hash(word.span.bytes))
        case .v6:
            let words = endpoint.words
            return max(1, hash(words.span.bytes))
        }
    }
}
