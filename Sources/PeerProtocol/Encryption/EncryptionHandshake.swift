import Digest
package import Primitives

// Message Stream Encryption (MSE), before the first byte of BEP 3:
//
//     A -> B   public key (96 bytes), pad
//     B -> A   public key (96 bytes), pad
//     A -> B   HASH('req1', S), HASH('req2', SKEY) ^ HASH('req3', S),
//              ENCRYPT(8 zeros, crypto_provide, length of pad, pad, length of payload), ENCRYPT(initial payload)
//     B -> A   ENCRYPT(8 zeros, crypto_select, length of pad, pad)
//
// S is the secret of the key exchange, SKEY the infohash, ENCRYPT is RC4 with one key stream per direction. After this
// the streams go on with RC4 or in plaintext, as selected. The eight zeros show that both sides mean the same torrent.

/// The opening of an encrypted connection as a value, for both sides; for who is called, also of one in plaintext.
///
/// Feed it as a `Session` is fed, until `.finished`. The bytes that were not consumed by then are the beginning of the
/// stream that `ciphers.receiving` decrypts: apply it to them in place, once, then to all that arrives later, and show
/// only such bytes to a `Session`. The peer's initial payload, its handshake, comes out as the first of them.
/// `ciphers.sending` is likewise applied to everything that is sent from then on. The owner sees to time: a peer that
/// stops here is no different from one that never sends its handshake.
package struct EncryptionHandshake: Sendable {
    /// What the next bytes were; `consumed` counts from the offset that was passed.
    package enum Step: Hashable, Sendable {
        /// Nothing was consumed: keep what there is, at most 95 bytes, and come back with more.
        case needsMore
        /// A part of the handshake, one byte or more: go on with the rest.
        case progressed(consumed: Int)
        /// The peer asks for the torrent with this `torrentKey(of:)`: `accept` it, and go on, or close the connection
        /// (`EncryptionFault.unknownTorrent`).
        case torrentWanted(consumed: Int, torrentKey: ID160)
        /// `ciphers` hold from the next byte on; in plaintext nothing was consumed.
        case finished(consumed: Int, Protection)
        /// Nothing more will come out of this handshake.
        case fault(EncryptionFault)
    }

    /// What was agreed on.
    package enum Protection: Hashable, Sendable {
        /// The peer opened in plaintext.
        case plaintext
        /// The handshakes are hidden, what follows is in plaintext.
        case opening
        /// Everything is encrypted.
        case stream
    }

    enum State: Sendable {
        /// Initiator: our key is sent. -> findingVerification, failed
        case awaitingAnswer(KeyExchange, Handshake)
        /// Initiator: our part is sent. -> awaitingSelection, failed
        case findingVerification(PadSearch, RC4Pair)
        /// Initiator. -> skippingAnswerPad, finished, failed
        case awaitingSelection(RC4Pair)
        /// Initiator: so many bytes before the end. -> finished
        case skippingAnswerPad(Int, RC4Pair, selected: CryptoMethods)

        /// Responder: nothing says yet how the peer opens. -> awaitingKey, finished, failed
        case opening
        /// Responder. -> findingSynchronisation, failed
        case awaitingKey
        /// Responder: our key is sent. -> awaitingTorrentKey, failed
        case findingSynchronisation(PadSearch, SharedSecret)
        /// Responder. -> awaitingAcceptance
        case awaitingTorrentKey(SharedSecret)
        /// Responder: the owner looks for the torrent. -> awaitingOffer
        case awaitingAcceptance(SharedSecret)
        /// Responder. -> skippingOfferPad, failed
        case awaitingOffer(RC4Pair)
        /// Responder: so many bytes before the length of the initial payload. -> finished, failed
        case skippingOfferPad(Int, RC4Pair, offered: CryptoMethods)

        /// Final.
        case finished(Protection)
        /// Final.
        case failed(EncryptionFault)
    }

    struct RC4Pair: Sendable {
        var receiving: RC4
        var sending: RC4
    }

    /// Of each of the four pads, by MSE.
    package static let padBytesMax = 512

    /// The torrent of this connection; nil until a responder's owner has accepted one, and in plaintext.
    package private(set) var infoHash: InfoHash?
    /// What the streams go through once the handshake is `.finished`.
    package internal(set) var ciphers = StreamCiphers.transparent

    var state: State
    var generator: SeededGenerator
    let policy: EncryptionPolicy
    let preferredMethod: CryptoMethods
    private let padBytes: ClosedRange<Int>

    /// We called, for the torrent of `payload`, and open encrypted: what has to be sent first is appended to `output`.
    ///
    /// The handshake of BEP 3 travels as initial payload, so it costs no round trip of its own and is not to be sent
    /// again. Nothing goes with it: libtorrent takes no longer payload than that. The lengths of our pads are drawn
    /// from `padBytes`, which must be within `0...padBytesMax`.
    package init(
        calling payload: Handshake, policy: EncryptionPolicy, generator: SeededGenerator,
        padBytes: ClosedRange<Int> = 0...padBytesMax, sending output: inout [UInt8]
    ) {
        precondition(policy.accepts(.encrypted), "encryption is off")
        var generator = generator
        let exchange = KeyExchange(using: &generator)
        self.init(state: .awaitingAnswer(exchange, payload), policy, .plaintext, generator, padBytes)
        infoHash = payload.infoHash
        appendKey(exchange, to: &output)
    }

    /// We were called: the first bytes tell whether the peer opens in plaintext, and `policy` whether it may.
    ///
    /// Of the methods that it offers `preferred` is selected if both allow it. What is hidden is above all the opening,
    /// and what follows costs nothing in plaintext: hence the default.
    package init(
        answeringBy policy: EncryptionPolicy, preferring preferred: CryptoMethods = .plaintext,
        generator: SeededGenerator, padBytes: ClosedRange<Int> = 0...padBytesMax
    ) {
        self.init(state: .opening, policy, preferred, generator, padBytes)
    }

    private init(
        state: State, _ policy: EncryptionPolicy, _ preferredMethod: CryptoMethods, _ generator: SeededGenerator,
        _ padBytes: ClosedRange<Int>
    ) {
        precondition(
            padBytes.lowerBound >= 0 && padBytes.upperBound <= EncryptionHandshake.padBytesMax,
            "pads have 0 to 512 bytes")
        self.state = state
        self.policy = policy
        self.preferredMethod = preferredMethod
        self.generator = generator
        self.padBytes = padBytes
    }

    /// The key under which a responder's owner keeps a torrent, to find it when an encrypted connection asks for it.
    package static func torrentKey(of infoHash: InfoHash) -> ID160 {
        SharedSecret.torrentKey(of: infoHash)
    }

    /// Says what the bytes from `offset` on are, consuming a prefix of them: one step at a time.
    ///
    /// What has to be sent is appended to `output`. The same stream gives the same output however it is cut.
    package mutating func received(_ bytes: RawSpan, at offset: Int, sending output: inout [UInt8]) -> Step {
        precondition(offset >= 0 && offset <= bytes.byteCount, "offset outside of the bytes")
        switch state {
        case .awaitingAnswer, .findingVerification, .awaitingSelection, .skippingAnswerPad:
            return initiatorStep(bytes, at: offset, sending: &output)
        case .opening, .awaitingKey, .findingSynchronisation, .awaitingTorrentKey, .awaitingAcceptance,
            .awaitingOffer, .skippingOfferPad:
            return responderStep(bytes, at: offset, sending: &output)
        case .finished(let protection): return .finished(consumed: 0, protection)
        case .failed(let fault): return .fault(fault)
        }
    }

    /// The owner has the torrent that was wanted, and goes on with the bytes that were not consumed.
    package mutating func accept(_ infoHash: InfoHash) {
        guard case .awaitingAcceptance(let secret) = state else { return }
        self.infoHash = infoHash
        state = .awaitingOffer(
            RC4Pair(
                receiving: secret.cipher(.fromInitiator, for: infoHash),
                sending: secret.cipher(.fromResponder, for: infoHash)))
    }

    mutating func fail(_ fault: EncryptionFault) -> Step {
        state = .failed(fault)
        return .fault(fault)
    }

    /// Appends our public key and a pad.
    mutating func appendKey(_ exchange: KeyExchange, to output: inout [UInt8]) {
        output += exchange.publicKey
        let padLength = padLength()
        output += generator.bytes(count: padLength)
    }

    mutating func padLength() -> Int {
        Int.random(in: padBytes, using: &generator)
    }
}
