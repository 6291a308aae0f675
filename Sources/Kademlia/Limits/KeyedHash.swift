import Primitives

/// SipHash-1-3 of an endpoint: as hard to aim at as a table needs, at half the cost of the SipHash of tokens.
struct KeyedHash: Sendable {
    private let key: (UInt64, UInt64)

    init(key: (UInt64, UInt64)) {
        self.key = key
    }

    /// The key of an endpoint in a table, never 0; one word for IPv4, since this is done for every packet.
    @inline(__always)
    func key(of endpoint: Endpoint) -> UInt64 {
        var state = State(key: key)
        switch endpoint {
        case .v4(let endpoint): state.absorb(UInt64(endpoint.address) << 16 | UInt64(endpoint.port))
        case .v6(let endpoint):
            state.absorb(endpoint.high)
            state.absorb(endpoint.low)
            state.absorb(1 << 16 | UInt64(endpoint.port))
        }
        return max(1, state.finish())
    }

    private struct State {
        private var v0, v1, v2, v3: UInt64

        @inline(__always)
        init(key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736f_6d65_7073_6575
            v1 = key.1 ^ 0x646f_7261_6e64_6f6d
            v2 = key.0 ^ 0x6c79_6765_6e65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            v0 ^= word
        }

        @inline(__always)
        mutating func finish() -> UInt64 {
            v2 ^= 0xFF
            for _ in 0..<3 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 &+= v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 &+= v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}
