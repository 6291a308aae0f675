import PeerProtocol
import Primitives
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Mutated openings must never trap, never be consumed beyond their end and never stall a handshake.
///
/// `MAINLINE_MUTATIONS` sets how many inputs each run makes: an eighth of that, as most cost an exponentiation or two.
@Suite struct EncryptionMutationTests {
    private static let count = (getenv("MAINLINE_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 24_000) / 8

    @Test(arguments: [0, 20])
    func mutatedStreamsAreReadOrRefused(padBytes: Int) {
        let caller = EncryptionEnd(calling: torrentHash, .prefer, padBytes: padBytes)
        let answerer = EncryptionEnd(answeringWith: [torrentHash], padBytes: padBytes)
        var pair = EncryptionPair(caller, answerer)
        pair.run()
        var freshCaller = caller
        _ = freshCaller.takeOutput()
        var generator = SeededGenerator(number: 21)
        for round in 0..<EncryptionMutationTests.count {
            let isCall = round.isMultiple(of: 2)
            var bytes = isCall ? pair.calls : pair.answers
            for _ in 0...generator.next() % 3 { change(&bytes, generator.next()) }
            var end = isCall ? answerer : freshCaller
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            end.receive(bytes[..<cut])
            end.receive(bytes[cut...])
            let isOver = end.protection != nil || end.fault != nil
            // What it still waits for is less than a key.
            let isPlausible = (isOver || end.pending.count < 96) && end.output.count <= 2 * (96 + 20 + 14) + 300
            guard isPlausible else {
                Issue.record("round \(round): \(bytes)")
                return
            }
        }
    }

    /// One change, wholly decided by `choice`; keys are left alone three times out of four, to get beyond them.
    private func change(_ bytes: inout [UInt8], _ choice: UInt64) {
        let first = choice >> 60 < 12 && bytes.count > 96 ? 96 : 0
        guard bytes.count > first else { return bytes.append(UInt8(truncatingIfNeeded: choice)) }
        let place = first + Int(choice >> 32 & 0xffff) % (bytes.count - first)
        let value = UInt8(truncatingIfNeeded: choice >> 8)
        switch choice % 5 {
        case 0: bytes[place] ^= 1 << (value % 8)
        case 1: bytes[place] = value
        case 2: bytes.insert(value, at: place)
        case 3: bytes.remove(at: place)
        default: bytes.removeLast(min(bytes.count - first, Int(value) / 4))
        }
    }
}
