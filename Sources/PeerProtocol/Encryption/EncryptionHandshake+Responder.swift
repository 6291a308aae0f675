import Digest
import Primitives

/// The side that was called.
extension EncryptionHandshake {
    mutating func responderStep(_ bytes: RawSpan, at offset: Int, sending output: inout [UInt8]) -> Step {
        switch state {
        case .opening: return openingStep(bytes, at: offset, sending: &output)
        case .awaitingKey: return keyStep(bytes, at: offset, sending: &output)
        case .findingSynchronisation(var search, let secret):
            switch search.look(in: bytes, at: offset) {
            case .found(let consumed):
                state = .awaitingTorrentKey(secret)
                return .progressed(consumed: consumed)
            case .passed(let count):
                state = .findingSynchronisation(search, secret)
                return count == 0 ? .needsMore : .progressed(consumed: count)
            case .missing: return fail(.noSynchronisation)
            }
        case .awaitingTorrentKey(let secret):
            guard bytes.byteCount - offset >= ID160.byteCount else { return .needsMore }
            state = .awaitingAcceptance(secret)
            return .torrentWanted(
                consumed: ID160.byteCount, torrentKey: ID160(bytes, at: offset) ^ secret.mask)
        case .awaitingOffer(let pair): return offerStep(bytes, at: offset, pair)
        case .skippingOfferPad(let remaining, let pair, let offered):
            return offerPadStep(bytes, at: offset, remaining, pair, offered, sending: &output)
        default: return .needsMore
        }
    }

    /// Whether passing these bytes to `received` would begin the key exchange, the only costly step of an opening.
    package func willExchangeKeys(_ bytes: RawSpan, at offset: Int) -> Bool {
        guard bytes.byteCount - offset >= KeyExchange.keyByteCount else { return false }
        return switch state {
        case .opening: policy.accepts(.encrypted) && !Handshake.couldBegin(bytes, at: offset)
        case .awaitingKey: true
        default: false
        }
    }

    /// A key that opens like a handshake of BEP 3 is as good as impossible: 1 in 2^160.
    private mutating func openingStep(_ bytes: RawSpan, at offset: Int, sending output: inout [UInt8]) -> Step {
        let available = bytes.byteCount - offset
        guard Handshake.couldBegin(bytes, at: offset) else {
            guard policy.accepts(.encrypted) else { return fail(.encryptionRefused) }
            state = .awaitingKey
            return keyStep(bytes, at: offset, sending: &output)
        }
        guard available >= Handshake.protocolName.count else { return .needsMore }
        guard policy.accepts(.plaintext) else { return fail(.plaintextRefused) }
        state = .finished(.plaintext)
        return .finished(consumed: 0, .plaintext)
    }

    /// Two exponentiations, which only peers that sent a whole key are worth.
    private mutating func keyStep(_ bytes: RawSpan, at offset: Int, sending output: inout [UInt8]) -> Step {
        guard bytes.byteCount - offset >= KeyExchange.keyByteCount else { return .needsMore }
        let exchange = KeyExchange(using: &generator)
        let peerKey = bytes.copy(offset..<offset + KeyExchange.keyByteCount)
        guard let secret = exchange.secret(with: peerKey) else { return fail(.weakKey) }
        appendKey(exchange, to: &output)
        state = .findingSynchronisation(PadSearch(for: secret.synchronisation), secret)
        return .progressed(consumed: KeyExchange.keyByteCount)
    }

    private mutating func offerStep(_ bytes: RawSpan, at offset: Int, _ pair: RC4Pair) -> Step {
        var pair = pair
        let verification = EncryptionHandshake.verification
        let headBytes = verification.count + EncryptionHandshake.methodsByteCount
        guard bytes.byteCount - offset >= headBytes else { return .needsMore }
        let head = bytes.decrypted(offset..<offset + headBytes, by: &pair.receiving)
        guard head.starts(with: verification) else { return fail(.failedVerification) }
        let padLength = Int(head.span.bytes.bigEndian(at: verification.count + 4, as: UInt16.self))
        guard padLength <= EncryptionHandshake.padBytesMax else { return fail(.padTooLong(padLength)) }
        let offered = CryptoMethods(rawValue: head.span.bytes.bigEndian(at: verification.count, as: UInt32.self))
        state = .skippingOfferPad(padLength, pair, offered: offered)
        return .progressed(consumed: headBytes)
    }

    /// Answers as soon as the length of the initial payload is there: the payload itself belongs to the stream.
    private mutating func offerPadStep(
        _ bytes: RawSpan, at offset: Int, _ remaining: Int, _ pair: RC4Pair, _ offered: CryptoMethods,
        sending output: inout [UInt8]
    ) -> Step {
        var pair = pair
        let lengthBytes = EncryptionHandshake.payloadLengthByteCount
        let available = bytes.byteCount - offset
        let count = min(remaining, available)
        pair.receiving.discard(count)
        guard available >= remaining + lengthBytes else {
            state = .skippingOfferPad(remaining - count, pair, offered: offered)
            return count == 0 ? .needsMore : .progressed(consumed: count)
        }
        let start = offset + remaining
        let length = bytes.decrypted(start..<start + lengthBytes, by: &pair.receiving)
        guard let selected = policy.choice(from: offered, preferring: preferredMethod) else {
            return fail(.noCommonMethod(offered))
        }
        let encryptedFrom = output.count
        appendMethods(selected, to: &output)
        pair.sending.apply(to: &output, in: encryptedFrom..<output.count)
        return finish(
            consumed: remaining + lengthBytes, selected, pair,
            payloadBytes: Int(length.span.bytes.bigEndian(at: 0, as: UInt16.self)))
    }
}
