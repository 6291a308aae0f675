import PeerProtocol
import Primitives
import Testing

@Suite struct EncryptionHandshakeTests {
    private let payload = encoded(theirHandshake().encode)

    /// After the handshake each side sends and receives in both directions.
    private func expectToTalk(_ pair: EncryptionPair, _ protection: EncryptionHandshake.Protection) {
        var pair = pair
        #expect(pair.caller.protection == protection && pair.answerer.protection == protection)
        #expect(pair.answerer.handshake.infoHash == torrentHash)
        #expect(pair.answerer.plain == payload)
        #expect(pair.caller.plain.isEmpty)
        let question = Array("some bytes of the stream".utf8)
        let answer = [UInt8](repeating: 7, count: 3_000)
        for _ in 0..<2 {
            pair.caller.send(question)
            pair.answerer.send(answer)
            let isReadable = pair.answerer.output == answer
            #expect(isReadable == (protection != .stream))
            pair.run()
        }
        #expect(pair.answerer.plain == payload + question + question)
        #expect(pair.caller.plain == answer + answer)
    }

    @Test(arguments: [0, 1, 511, 512, nil], [1, 2, 3] as [UInt64])
    func bothSidesAgreeWhateverTheirPads(padBytes: Int?, seed: UInt64) {
        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash, seed: seed, padBytes: padBytes),
            EncryptionEnd(answeringWith: [otherHash, torrentHash], seed: seed + 100, padBytes: padBytes))
        pair.run()
        expectToTalk(pair, .stream)
        if let padBytes {
            #expect(pair.calls.count == 96 + padBytes + 20 + 20 + 14 + padBytes + 2 + payload.count)
            #expect(pair.answers.count == 96 + padBytes + 14 + padBytes)
        }
    }

    @Test func theStreamMayGoOnInPlaintext() {
        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash, .prefer), EncryptionEnd(answeringWith: [torrentHash]))
        pair.run()
        expectToTalk(pair, .opening)
        // The payload is encrypted all the same.
        #expect(pair.calls.suffix(payload.count) != payload[...])
    }

    /// Handshake and first messages may arrive in one read.
    @Test(arguments: [EncryptionPolicy.prefer, .require])
    func whatFollowsTheHandshakeInTheSameReadIsDecryptedOnce(policy: EncryptionPolicy) {
        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash, policy), EncryptionEnd(answeringWith: [torrentHash]))
        pair.answerer.receive(pair.caller.takeOutput())
        pair.caller.receive(pair.answerer.takeOutput())
        pair.answerer.receive(pair.caller.takeOutput())
        #expect(pair.answerer.plain == payload)
        let message = encoded(OutgoingMessage.unchoke.encode)
        pair.answerer.send(payload + message)
        pair.caller.receive(pair.answerer.takeOutput())
        #expect(pair.caller.plain == payload + message)
        #expect(pair.caller.handshake.ciphers.receiving.isTransparent == (policy == .prefer))
    }

    /// Others need not send their handshake as initial payload, or send more: what is encrypted has the length that
    /// was announced, here by a bit flipped on the way.
    @Test(arguments: [0, 68, 100, 65_535])
    func aPayloadOfAnyLengthIsDecryptedToItsEnd(length: Int) {
        var caller = EncryptionEnd(calling: torrentHash, .prefer, padBytes: 0)
        var answerer = EncryptionEnd(answeringWith: [torrentHash], padBytes: 0)
        answerer.receive(caller.takeOutput())
        caller.receive(answerer.takeOutput())
        var call = caller.takeOutput()
        call[54] ^= UInt8(length >> 8)
        call[55] ^= UInt8((length ^ payload.count) & 0xff)
        let encrypted = Array(call.suffix(payload.count))
        let rest = [UInt8](repeating: 5, count: 66_000)
        answerer.receive(call)
        answerer.receive(rest)
        #expect(answerer.protection == .opening)
        #expect(answerer.plain.count == payload.count + rest.count)
        #expect(answerer.plain[..<payload.count] == (length == 0 ? encrypted : payload)[...])
        #expect(answerer.plain[max(length, payload.count)...].allSatisfy { $0 == 5 })
        #expect(length <= payload.count || answerer.plain[payload.count..<length].contains { $0 != 5 })
        #expect(answerer.pending.isEmpty)
    }

    @Test func aPeerThatOpensInPlaintextIsHandedOnAsItCame() {
        var answerer = EncryptionEnd(answeringWith: [torrentHash])
        for byte in payload[..<19] { answerer.receive(CollectionOfOne(byte)) }
        #expect(answerer.protection == nil && answerer.pending.count == 19)
        answerer.receive(payload[19...])
        #expect(answerer.protection == .plaintext)
        #expect(answerer.plain == payload)
        #expect(answerer.output.isEmpty)
        #expect(answerer.handshake.infoHash == nil)
        #expect(answerer.handshake.ciphers.receiving.isTransparent && answerer.handshake.ciphers.sending.isTransparent)
    }

    @Test func theOwnerFindsTheTorrentByItsKey() {
        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash), EncryptionEnd(answeringWith: [torrentHash]))
        pair.run()
        #expect(pair.answerer.wanted == EncryptionHandshake.torrentKey(of: torrentHash))
        // SHA-1 of "req2" and the 20 bytes of the infohash.
        #expect(pair.answerer.wanted?.hex == "59b66c829a0e826303e698190f62f874338d8b49")
    }

    @Test func itWaitsForItsOwnerToAcceptATorrent() {
        var opening: [UInt8] = []
        var handshake = EncryptionHandshake(answeringBy: .prefer, generator: SeededGenerator(number: 1))
        handshake.accept(torrentHash)
        #expect(handshake.infoHash == nil)
        var caller = EncryptionEnd(calling: torrentHash, padBytes: 0)
        let key = caller.takeOutput()
        #expect(handshake.received(key.span.bytes, at: 0, sending: &opening) == .progressed(consumed: 96))
        caller.receive(opening)
        let call = caller.takeOutput()
        var output: [UInt8] = []
        #expect(handshake.received(call.span.bytes, at: 0, sending: &output) == .progressed(consumed: 20))
        let torrentKey = EncryptionHandshake.torrentKey(of: torrentHash)
        #expect(
            handshake.received(call.span.bytes, at: 20, sending: &output)
                == .torrentWanted(consumed: 20, torrentKey: torrentKey))
        #expect(handshake.received(call.span.bytes, at: 40, sending: &output) == .needsMore)
        handshake.accept(torrentHash)
        #expect(handshake.received(call.span.bytes, at: 40, sending: &output) == .progressed(consumed: 14))
        #expect(handshake.received(call.span.bytes, at: 54, sending: &output) == .finished(consumed: 2, .stream))
        #expect(handshake.received(call.span.bytes, at: 56, sending: &output) == .finished(consumed: 0, .stream))
    }
}
