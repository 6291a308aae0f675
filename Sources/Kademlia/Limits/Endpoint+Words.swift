import Primitives

extension Endpoint {
    /// The endpoint as three words, distinct for distinct endpoints: what keyed hashes are fed with.
    var words: [3 of UInt64] {
        switch self {
        case .v4(let endpoint): [UInt64(endpoint.address), 0, 4 << 16 | UInt64(endpoint.port)]
        case .v6(let endpoint): [endpoint.low, endpoint.high, 6 << 16 | UInt64(endpoint.port)]
        }
    }
}
