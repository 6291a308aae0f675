import Primitives

/// Damages valid packets, the same way for the same seed.
struct Mutator {
    private let corpus: [[UInt8]]
    private var generator: SeededGenerator
    private var state: UInt64 = 0

    /// What a reader may stumble over.
    private static let fragments = [
        "e", "d", "l", "i", "-", ":", "le", "de", "i0e", "i-0e", "i-1e", "i9223372036854775808e", "0:", "00:", "1:",
        "-1:x", "99999999999999999999:", "2:id", "1:t", "1:y1:q", "1:rd", "1:ad", "6:valuesl", "5:nodes",
        "lllllllllllll",
    ].map { Array($0.utf8) }

    init(corpus: [[UInt8]], generator: SeededGenerator) {
        self.corpus = corpus
        self.generator = generator
    }

    mutating func next() -> [UInt8] {
        state = generator.next()
        var bytes = corpus[below(corpus.count)]
        for _ in 0...below(3) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let start = below(bytes.count + 1)
        let end = min(bytes.count, start + below(12))
        switch below(9) {
        case 0 where start < bytes.count: bytes[start] ^= 1 << UInt8(below(8))
        case 1 where start < bytes.count: bytes[start] = UInt8(below(256))
        case 2: bytes.insert(contentsOf: Self.fragments[below(Self.fragments.count)], at: start)
        case 3: bytes.removeSubrange(start..<end)
        case 4: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 5: bytes.removeSubrange(start...)
        case 6: bytes.replaceSubrange(start..., with: corpus[below(corpus.count)].dropFirst(start))
        default: editNumber(in: &bytes, from: start)
        }
    }

    /// Changes the first number at or after `start`: mostly the length of a string.
    private mutating func editNumber(in bytes: inout [UInt8], from start: Int) {
        let isDigit = { (byte: UInt8) in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
        let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
        let number = bytes[first..<end].prefix(6).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        let changed = [number + 1, number - 1, number + 6, number * 10, 0, number + below(40) - 20, .max][below(7)]
        bytes.replaceSubrange(first..<end, with: Array(String(changed).utf8))
    }

    /// One packet's draws come from a SplitMix64: in debug builds, ChaCha would take half of the time.
    private mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31).multipliedFullWidth(by: UInt64(bound)).high)
    }
}
