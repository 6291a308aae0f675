import PeerProtocol
import Primitives
import Testing

/// How the streams are cut makes no difference.
@Suite struct EncryptionSplitTests {
    private func pair(_ policy: EncryptionPolicy, seed: UInt64, padBytes: Int?) -> EncryptionPair {
        EncryptionPair(
            EncryptionEnd(calling: torrentHash, policy, seed: seed, padBytes: padBytes),
            EncryptionEnd(answeringWith: [torrentHash], seed: seed + 1, padBytes: padBytes))
    }

    private func expectSame(_ cut: EncryptionPair, as whole: EncryptionPair) {
        #expect(cut.calls == whole.calls && cut.answers == whole.answers)
        #expect(cut.caller.protection == whole.caller.protection && cut.caller.protection != nil)
        #expect(cut.answerer.protection == whole.answerer.protection && cut.answerer.protection != nil)
        #expect(cut.answerer.plain == whole.answerer.plain && cut.answerer.plain == encoded(theirHandshake().encode))
        #expect(cut.caller.plain == whole.caller.plain)
        #expect(cut.caller.pendingMax < 96 && cut.answerer.pendingMax < 96)
    }

    @Test(arguments: [EncryptionPolicy.prefer, .require], [0, 3, 512, nil])
    func byteByByteAndInParts(policy: EncryptionPolicy, padBytes: Int?) {
        var whole = pair(policy, seed: 7, padBytes: padBytes)
        whole.run()
        for length in [1, 2, 19, 20, 95, 96, 97, 610] {
            var cut = pair(policy, seed: 7, padBytes: padBytes)
            cut.run { length }
            expectSame(cut, as: whole)
        }
    }

    @Test func atRandom() {
        var generator = SeededGenerator(number: 11)
        for round in 0..<60 as Range<UInt64> {
            let policy: EncryptionPolicy = round.isMultiple(of: 2) ? .prefer : .require
            var whole = pair(policy, seed: round, padBytes: nil)
            whole.run()
            var cut = pair(policy, seed: round, padBytes: nil)
            let longest = 1 << Int.random(in: 0...9, using: &generator)
            cut.run { Int.random(in: 1...longest, using: &generator) }
            expectSame(cut, as: whole)
        }
    }

    @Test func oneSeedGivesTheSameBytesAndAnotherOneOthers() {
        var first = pair(.require, seed: 3, padBytes: nil)
        var second = pair(.require, seed: 3, padBytes: nil)
        var third = pair(.require, seed: 4, padBytes: nil)
        first.run()
        second.run()
        third.run()
        #expect(first.calls == second.calls && first.answers == second.answers)
        #expect(first.calls[..<96] != third.calls[..<96] && first.answers[..<96] != third.answers[..<96])
    }
}
