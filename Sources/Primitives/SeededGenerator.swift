/// The only source of randomness above the purity line: ChaCha with 12 rounds, keyed by a 256-bit seed.
///
/// One seed replays one run to the byte. Production seeds it from the system; tests and the simulator from a
/// number. `split()` gives a child an independent stream, so that one part drawing more or less never shifts another.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    /// 256 bits of key, as four words.
    package typealias Seed = (UInt64, UInt64, UInt64, UInt64)

    private let key: Seed
    private var blockNumber: UInt64 = 0
    private var block = [8 of UInt64](repeating: 0)
    private var nextWord = 8

    package init(seed: Seed) {
        key = seed
    }

    /// A run that a person can name: the number is the whole seed.
    package init(number: UInt64) {
        self.init(seed: (number, 0, 0, 0))
    }

    package mutating func next() -> UInt64 {
        if nextWord == 8 { refill() }
        defer { nextWord += 1 }
        return block[nextWord]
    }

    /// A generator whose stream is independent of this one's later output.
    package mutating func split() -> SeededGenerator {
        SeededGenerator(seed: (next(), next(), next(), next()))
    }

    package mutating func bytes(count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count { bytes.appendBigEndian(next()) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private mutating func refill() {
        let initial: [16 of UInt32] = [
            0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574,  // the constant of ChaCha, "expand 32-byte k"
            UInt32(truncatingIfNeeded: key.0), UInt32(truncatingIfNeeded: key.0 >> 32),
            UInt32(truncatingIfNeeded: key.1), UInt32(truncatingIfNeeded: key.1 >> 32),
            UInt32(truncatingIfNeeded: key.2), UInt32(truncatingIfNeeded: key.2 >> 32),
            UInt32(truncatingIfNeeded: key.3), UInt32(truncatingIfNeeded: key.3 >> 32),
            UInt32(truncatingIfNeeded: blockNumber), UInt32(truncatingIfNeeded: blockNumber >> 32), 0, 0,
        ]
        var state = initial
        for _ in 0..<6 {
            quarterRound(&state, 0, 4, 8, 12)
            quarterRound(&state, 1, 5, 9, 13)
            quarterRound(&state, 2, 6, 10, 14)
            quarterRound(&state, 3, 7, 11, 15)
            quarterRound(&state, 0, 5, 10, 15)
            quarterRound(&state, 1, 6, 11, 12)
            quarterRound(&state, 2, 7, 8, 13)
            quarterRound(&state, 3, 4, 9, 14)
        }
        for word in 0..<8 {
            let low = state[2 * word] &+ initial[2 * word]
            let high = state[2 * word + 1] &+ initial[2 * word + 1]
            block[word] = UInt64(high) << 32 | UInt64(low)
        }
        blockNumber &+= 1
        nextWord = 0
    }

    private func quarterRound(_ state: inout [16 of UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        state[a] &+= state[b]
        state[d] = rotate(state[d] ^ state[a], 16)
        state[c] &+= state[d]
        state[b] = rotate(state[b] ^ state[c], 12)
        state[a] &+= state[b]
        state[d] = rotate(state[d] ^ state[a], 8)
        state[c] &+= state[d]
        state[b] = rotate(state[b] ^ state[c], 7)
    }

    private func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
        value << count | value >> (32 - count)
    }
}
