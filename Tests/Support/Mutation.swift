package import Primitives

/// Small damage of the kinds that break decoders: flipped bits, cut ends, doubled and moved stretches, odd numbers.
package struct Mutation {
    private var generator: SeededGenerator

    package init(generator: SeededGenerator) {
        self.generator = generator
    }

    /// Works on what it is given, so that a test allocates nothing per input.
    package mutating func apply(to bytes: inout [UInt8]) {
        for _ in 0...Int(generator.next() % 3) { applyOnce(to: &bytes) }
    }

    private mutating func applyOnce(to bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let random = generator.next()
        let place = Int(random >> 8 & 0xFFFF_FFFF) % bytes.count
        let length = min(Int(random >> 40 & 15) + 1, bytes.count - place)
        switch random & 7 {
        case 0: bytes[place] ^= 1 << UInt8(random >> 60 & 7)
        case 1: bytes[place] = UInt8(truncatingIfNeeded: random >> 48)
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes.removeSubrange(place..<place + length)
        case 4: bytes.insert(contentsOf: Array(bytes[place..<place + length]), at: place)
        case 5: bytes.replaceSubrange(place..<place + length, with: Self.words[Int(random >> 56) % Self.words.count])
        case 6: bytes.insert(contentsOf: Self.words[Int(random >> 56) % Self.words.count], at: place)
        default: if let digit = bytes[place...].firstIndex(where: { $0 >= 48 && $0 <= 57 }) { bytes[digit] = 57 }
        }
    }

    private static let words: [[UInt8]] = [
        "d", "l", "e", "i0e", "i-1e", "i9223372036854775807e", "i-9223372036854775808e", "0:", "99999999999:", "-", "%",
        "%zz", "&xt=", "urn:btih:", "4:path", "5:files", "6:length", "12:piece lengthi0e", "[", ":", "\u{0}", "é",
    ].map { Array($0.utf8) }
}
