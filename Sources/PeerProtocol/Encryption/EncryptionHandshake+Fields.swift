import Digest
import Primitives

/// What both sides write and read alike.
extension EncryptionHandshake {
    /// Eight zeros: who decrypts them has the right key.
    static let verification = [UInt8](repeating: 0, count: 8)
    /// The methods and the length of the pad, which follow the verification.
    static let methodsByteCount = 6
    /// The length of the initial payload, which follows the initiator's pad.
    static let payloadLengthByteCount = 2

    /// Appends, in plaintext, verification, methods and a pad.
    mutating func appendMethods(_ methods: CryptoMethods, to bytes: inout [UInt8]) {
        let padLength = padLength()
        bytes += EncryptionHandshake.verification
        bytes.appendBigEndian(methods.rawValue)
        bytes.appendBigEndian(UInt16(padLength))
        // It will be encrypted: random bytes would look no different.
        bytes += [UInt8](repeating: 0, count: padLength)
    }

    /// Goes on with `method` after the handshake; the next `payloadBytes` that come are encrypted in any case.
    mutating func finish(consumed: Int, _ method: CryptoMethods, _ pair: RC4Pair, payloadBytes: Int) -> Step {
        let protection: Protection
        if method == .rc4 {
            ciphers = StreamCiphers(receiving: StreamCipher(pair.receiving), sending: StreamCipher(pair.sending))
            protection = .stream
        } else {
            ciphers.receiving = StreamCipher(pair.receiving, encryptedBytes: payloadBytes)
            protection = .opening
        }
        state = .finished(protection)
        return .finished(consumed: consumed, protection)
    }
}

extension RawSpan {
    /// A decrypted copy of `range`, which must lie within the span.
    func decrypted(_ range: Range<Int>, by cipher: inout RC4) -> [UInt8] {
        var copy = copy(range)
        cipher.apply(to: &copy, in: copy.indices)
        return copy
    }
}
