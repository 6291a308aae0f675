/// Which address each simulated node has: scattered over 24.0.0.0 to 55.255.255.255, all of it public, so that nodes
/// with neighbouring numbers share no network, as on the internet, and no table is needed either way.
enum AddressPlan {
    private static let base: UInt32 = 24 << 24
    private static let bits: UInt32 = 29
    private static let mask: UInt32 = 1 << 29 - 1
    /// Odd, so that multiplying by it is a permutation of the residues; near the golden ratio, so that it scatters.
    private static let multiplier: UInt32 = 0x13C6_EF37
    private static let inverse: UInt32 = {
        // Newton's iteration doubles the number of right bits.
        var inverse = multiplier
        for _ in 0..<5 { inverse = inverse &* (2 &- multiplier &* inverse) }
        return inverse
    }()

    static func address(of index: Int) -> UInt32 {
        base + (UInt32(truncatingIfNeeded: index) &* multiplier & mask)
    }

    static func index(of address: UInt32) -> Int? {
        guard address >= base, address - base <= mask else { return nil }
        return Int((address - base) &* inverse & mask)
    }
}
