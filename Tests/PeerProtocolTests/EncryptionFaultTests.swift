import PeerProtocol
import Primitives
import Testing

/// What a peer can do wrong.
///
/// RC4 is an XOR: a bit that is flipped on the way is flipped in what is decrypted, so honest messages can be turned
/// into any other ones. Without pads each field has its place.
@Suite struct EncryptionFaultTests {
    /// Where fields lie in the second part of the caller, and behind the key in the answer.
    private enum Place {
        static let torrentKey = 20
        static let verification = 40
        static let provided = 51
        static let offerPadLength = 52
        static let selected = 96 + 11
        static let answerPadLength = 96 + 12
    }

    private func caller(_ policy: EncryptionPolicy = .prefer) -> EncryptionEnd {
        EncryptionEnd(calling: torrentHash, policy, padBytes: 0)
    }

    private func answerer(_ policy: EncryptionPolicy = .prefer) -> EncryptionEnd {
        EncryptionEnd(answeringWith: [torrentHash], policy, padBytes: 0)
    }

    /// What an answerer makes of a call whose second part has been changed.
    private func answerer(
        _ policy: EncryptionPolicy = .prefer, toCall change: (inout [UInt8]) -> Void
    ) -> EncryptionEnd {
        var pair = EncryptionPair(caller(), answerer(policy))
        pair.answerer.receive(pair.caller.takeOutput())
        pair.caller.receive(pair.answerer.takeOutput())
        var call = pair.caller.takeOutput()
        change(&call)
        pair.answerer.receive(call)
        return pair.answerer
    }

    /// What a caller makes of an answer that has been changed.
    private func caller(
        _ policy: EncryptionPolicy = .prefer, toAnswer change: (inout [UInt8]) -> Void
    ) -> EncryptionEnd {
        var pair = EncryptionPair(caller(policy), answerer())
        pair.answerer.receive(pair.caller.takeOutput())
        var answer = pair.answerer.takeOutput()
        pair.caller.receive(answer)
        pair.answerer.receive(pair.caller.takeOutput())
        answer += pair.answerer.takeOutput()
        change(&answer)
        var end = caller(policy)
        end.receive(answer)
        return end
    }

    @Test func unchangedMessagesAreNoFault() {
        #expect(answerer { _ in }.protection == .opening)
        #expect(caller { _ in }.protection == .opening)
    }

    @Test func keysThatGiveTheSecretAwayAreRefused() throws {
        let prime = try #require(
            Hex.decode(
                "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
                    + "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
                    + "4fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563"))
        let zero = [UInt8](repeating: 0, count: 96)
        let weak: [[UInt8]] = [
            zero, zero.dropLast() + [1], prime.dropLast() + [0x62], prime, prime.dropLast() + [0x64],
            [UInt8](repeating: 0xff, count: 96),
        ]
        for key in weak {
            var (calling, called) = (caller(), answerer())
            calling.receive(key)
            called.receive(key)
            #expect(calling.fault == .weakKey && called.fault == .weakKey)
            #expect(called.output.isEmpty)
        }
        for key in [zero.dropLast() + [2], prime.dropLast() + [0x61]] {
            var called = answerer()
            called.receive(key)
            #expect(called.fault == nil && called.output.count == 96)
        }
        #expect(EncryptionFault.weakKey.scope == .distrustPeer)
    }

    @Test func anUnknownTorrentIsTheOwnersBusiness() {
        var pair = EncryptionPair(caller(), EncryptionEnd(answeringWith: [otherHash]))
        pair.run()
        #expect(pair.answerer.fault == .unknownTorrent && pair.caller.protection == nil)
        #expect(answerer { $0[Place.torrentKey] ^= 1 }.fault == .unknownTorrent)
        #expect(EncryptionFault.unknownTorrent.scope == .dropPeer)
    }

    /// As if the owner had accepted the wrong torrent, or the peer encrypted for another one than it named.
    @Test func theVerificationMustDecryptToZeros() {
        for place in Place.verification..<Place.verification + 8 {
            #expect(answerer { $0[place] ^= 0x10 }.fault == .failedVerification)
        }
        #expect(caller { $0[96] ^= 1 }.fault == nil)
    }

    @Test func methodsMustMatch() {
        #expect(answerer { $0[Place.provided] ^= 3 }.fault == .noCommonMethod([]))
        #expect(answerer { $0[Place.provided] ^= 3 ^ 4 }.fault == .noCommonMethod(CryptoMethods(rawValue: 4)))
        #expect(answerer(.require) { $0[Place.provided] ^= 2 }.fault == .noCommonMethod(.plaintext))
        #expect(answerer { $0[Place.provided] ^= 1 }.protection == .stream)
        #expect(answerer { $0[Place.provided] ^= 0x80 }.protection == .opening)

        #expect(caller { $0[Place.selected] ^= 1 }.fault == .invalidSelection([]))
        #expect(caller { $0[Place.selected] ^= 2 }.fault == .invalidSelection([.plaintext, .rc4]))
        #expect(caller { $0[Place.selected] ^= 5 }.fault == .invalidSelection(CryptoMethods(rawValue: 4)))
        #expect(caller { $0[Place.selected] ^= 3 }.protection == .stream)
        var pair = EncryptionPair(caller(.require), answerer())
        pair.run()
        #expect(pair.caller.protection == .stream)
    }

    @Test func announcedPadsAreBounded() {
        for length in [513, 1_024, 65_535] {
            let bits = [UInt8(length >> 8), UInt8(length & 0xff)]
            let called = answerer { for place in 0..<2 { $0[Place.offerPadLength + place] ^= bits[place] } }
            let calling = caller { for place in 0..<2 { $0[Place.answerPadLength + place] ^= bits[place] } }
            #expect(called.fault == .padTooLong(length) && calling.fault == .padTooLong(length))
        }
        #expect(EncryptionFault.padTooLong(513).scope == .distrustPeer)
        #expect(answerer { $0[Place.offerPadLength] ^= 2 }.fault == nil)
    }

    /// 96 bytes of key, 512 of pad, and a mark of 8 bytes (20 the other way): after that it is over.
    @Test func aFloodEndsWhereThePadsEnd() {
        var generator = SeededGenerator(number: 1)
        let flood = [0x40] + generator.bytes(count: 5_000)
        for length in [1, 7, 100, 5_001] {
            for (count, end) in [(616, caller()), (628, answerer())] {
                var end = end
                _ = end.takeOutput()
                var fed = 0
                while fed < flood.count, end.fault == nil {
                    let part = flood[fed..<min(fed + length, flood.count)]
                    end.receive(part)
                    fed += part.count
                }
                #expect(end.fault == .noSynchronisation)
                #expect(fed >= count && fed < count + length)
                // What is left of the last part is not kept by the handshake.
                #expect(length > 95 || end.pendingMax < 96)
                #expect(end.output.count < 250)
            }
        }
    }

    @Test func aFaultIsForEver() {
        var handshake = EncryptionHandshake(answeringBy: .off, generator: SeededGenerator(number: 1))
        var output: [UInt8] = []
        let wrong: [UInt8] = [20]
        #expect(handshake.received(wrong.span.bytes, at: 0, sending: &output) == .fault(.encryptionRefused))
        let right = encoded(theirHandshake().encode)
        #expect(handshake.received(right.span.bytes, at: 0, sending: &output) == .fault(.encryptionRefused))
        #expect(output.isEmpty)
    }
}
