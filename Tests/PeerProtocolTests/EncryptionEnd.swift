import PeerProtocol
import Primitives

/// One side of an encrypted connection, driven as an owner does: what a handshake leaves, and all that comes later, is
/// decrypted once.
struct EncryptionEnd {
    var handshake: EncryptionHandshake
    /// To be sent.
    private(set) var output: [UInt8] = []
    /// What came out of the receiving cipher.
    private(set) var plain: [UInt8] = []
    private(set) var protection: EncryptionHandshake.Protection?
    private(set) var fault: EncryptionFault?
    /// Under which key a torrent was asked for.
    private(set) var wanted: ID160?
    /// Received and not yet consumed.
    private(set) var pending: [UInt8] = []
    private(set) var pendingMax = 0
    private var ciphers = StreamCiphers.transparent
    /// What the owner has.
    private let torrents: [InfoHash]

    init(calling infoHash: InfoHash, _ policy: EncryptionPolicy = .require, seed: UInt64 = 1, padBytes: Int? = nil) {
        handshake = EncryptionHandshake(
            calling: theirHandshake(infoHash), policy: policy, generator: SeededGenerator(number: seed),
            padBytes: padBytes.map { $0...$0 } ?? 0...512, sending: &output)
        torrents = []
    }

    init(
        answeringWith torrents: [InfoHash], _ policy: EncryptionPolicy = .prefer,
        preferring preferred: CryptoMethods = .plaintext, seed: UInt64 = 2, padBytes: Int? = nil
    ) {
        handshake = EncryptionHandshake(
            answeringBy: policy, preferring: preferred, generator: SeededGenerator(number: seed),
            padBytes: padBytes.map { $0...$0 } ?? 0...512)
        self.torrents = torrents
    }

    /// The bytes sent since the last call.
    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    mutating func send(_ bytes: [UInt8]) {
        let start = output.count
        output += bytes
        ciphers.sending.apply(to: &output, from: start)
    }

    mutating func receive(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        if protection == nil, fault == nil { drain() }
        guard protection != nil else { return }
        ciphers.receiving.apply(to: &pending)
        plain += pending
        pending = []
    }

    /// Steps until the handshake wants more, or is over.
    private mutating func drain() {
        let bytes = pending
        var offset = 0
        loop: while true {
            let step = handshake.received(bytes.span.bytes, at: offset, sending: &output)
            switch step {
            case .needsMore: break loop
            case .progressed(let consumed): offset += consumed
            case .torrentWanted(let consumed, let key):
                offset += consumed
                wanted = key
                guard let torrent = torrents.first(where: { EncryptionHandshake.torrentKey(of: $0) == key }) else {
                    fault = .unknownTorrent
                    break loop
                }
                handshake.accept(torrent)
            case .finished(let consumed, let protection):
                offset += consumed
                self.protection = protection
                ciphers = handshake.ciphers
                break loop
            case .fault(let fault):
                self.fault = fault
                break loop
            }
        }
        pending.removeFirst(offset)
        if protection == nil { pendingMax = max(pendingMax, pending.count) }
    }
}

/// Both sides of one connection.
struct EncryptionPair {
    var caller: EncryptionEnd
    var answerer: EncryptionEnd
    /// All that was sent so far, each way.
    private(set) var calls: [UInt8] = []
    private(set) var answers: [UInt8] = []

    init(_ caller: EncryptionEnd, _ answerer: EncryptionEnd) {
        self.caller = caller
        self.answerer = answerer
    }

    /// Carries bytes to and fro in parts of the lengths that `cut` gives, until both sides are silent.
    mutating func run(cut: () -> Int = { .max }) {
        while true {
            let call = caller.takeOutput()
            calls += call
            EncryptionPair.deliver(call, to: &answerer, cut)
            let answer = answerer.takeOutput()
            answers += answer
            EncryptionPair.deliver(answer, to: &caller, cut)
            if call.isEmpty && answer.isEmpty { return }
        }
    }

    private static func deliver(_ bytes: [UInt8], to end: inout EncryptionEnd, _ cut: () -> Int) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(cut())
            end.receive(part)
            rest = rest.dropFirst(part.count)
        }
    }
}
