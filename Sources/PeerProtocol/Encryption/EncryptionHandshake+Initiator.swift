import Digest
import Primitives

/// The side that called.
extension EncryptionHandshake {
    mutating func initiatorStep(_ bytes: RawSpan, at offset: Int, sending output: inout [UInt8]) -> Step {
        switch state {
        case .awaitingAnswer(let exchange, let payload):
            return keyStep(bytes, at: offset, exchange, payload, sending: &output)
        case .findingVerification(var search, let pair):
            switch search.look(in: bytes, at: offset) {
            case .found(let consumed):
                state = .awaitingSelection(pair)
                return .progressed(consumed: consumed)
            case .passed(let count):
                state = .findingVerification(search, pair)
                return count == 0 ? .needsMore : .progressed(consumed: count)
            case .missing: return fail(.noSynchronisation)
            }
        case .awaitingSelection(let pair): return selectionStep(bytes, at: offset, pair)
        case .skippingAnswerPad(let remaining, let pair, let selected):
            let count = min(remaining, bytes.byteCount - offset)
            guard count > 0 else { return .needsMore }
            return answerPadStep(remaining, pair, selected, headBytes: 0, available: count)
        default: return .needsMore
        }
    }

    /// With the peer's key ours is of use: all that we have to say goes out before its pad is there.
    private mutating func keyStep(
        _ bytes: RawSpan, at offset: Int, _ exchange: KeyExchange, _ payload: Handshake, sending output: inout [UInt8]
    ) -> Step {
        guard bytes.byteCount - offset >= KeyExchange.keyByteCount else { return .needsMore }
        let infoHash = payload.infoHash
        let peerKey = bytes.copy(offset..<offset + KeyExchange.keyByteCount)
        guard let secret = exchange.secret(with: peerKey) else { return fail(.weakKey) }
        var pair = RC4Pair(
            receiving: secret.cipher(.fromResponder, for: infoHash),
            sending: secret.cipher(.fromInitiator, for: infoHash))

        output += secret.synchronisation
        (SharedSecret.torrentKey(of: infoHash) ^ secret.mask).append(to: &output)
        let encryptedFrom = output.count
        appendMethods(policy.methods, to: &output)
        output.appendBigEndian(UInt16(Handshake.byteCount))
        payload.encode(into: &output)
        pair.sending.apply(to: &output, in: encryptedFrom..<output.count)

        // The pad in the clear has no length: what ends it is the verification as the peer encrypts it.
        var mark = EncryptionHandshake.verification
        pair.receiving.apply(to: &mark, in: mark.indices)
        state = .findingVerification(PadSearch(for: mark), pair)
        return .progressed(consumed: KeyExchange.keyByteCount)
    }

    private mutating func selectionStep(_ bytes: RawSpan, at offset: Int, _ pair: RC4Pair) -> Step {
        var pair = pair
        let headBytes = EncryptionHandshake.methodsByteCount
        guard bytes.byteCount - offset >= headBytes else { return .needsMore }
        let head = bytes.decrypted(offset..<offset + headBytes, by: &pair.receiving)
        let selected = CryptoMethods(rawValue: head.span.bytes.bigEndian(at: 0, as: UInt32.self))
        guard selected == .plaintext || selected == .rc4, policy.methods.isSuperset(of: selected) else {
            return fail(.invalidSelection(selected))
        }
        let padLength = Int(head.span.bytes.bigEndian(at: 4, as: UInt16.self))
        guard padLength <= EncryptionHandshake.padBytesMax else { return fail(.padTooLong(padLength)) }
        return answerPadStep(
            padLength, pair, selected, headBytes: headBytes, available: bytes.byteCount - offset - headBytes)
    }

    /// Passes over what is there of the last pad; `headBytes` before it are consumed as well.
    private mutating func answerPadStep(
        _ remaining: Int, _ pair: RC4Pair, _ selected: CryptoMethods, headBytes: Int, available: Int
    ) -> Step {
        var pair = pair
        let count = min(remaining, available)
        pair.receiving.discard(count)
        if count == remaining { return finish(consumed: headBytes + count, selected, pair, payloadBytes: 0) }
        state = .skippingAnswerPad(remaining - count, pair, selected: selected)
        return .progressed(consumed: headBytes + count)
    }
}
