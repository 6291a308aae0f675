import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// One swarm and callers made of bytes.
struct SwarmBench {
    static let blockLength = BlockRequest.usualLength

    var swarm: Swarm
    var now = Instant.origin
    let info: Info
    /// Of the last fact.
    private(set) var outbox = Swarm.Outbox()
    private(set) var closed: Set<PeerHandle> = []
    /// Those that have an upload place.
    private(set) var unchoked: Set<PeerHandle> = []
    /// Blocks that are read and not yet sent, by peer.
    private(set) var unsent: [PeerHandle: [BlockRequest]] = [:]
    private var nextHandle = 1
    /// What the swarm has not read yet.
    private var unread: [PeerHandle: [UInt8]] = [:]

    /// A torrent of pieces of one block, or of more; with a selection, each piece is a file.
    ///
    /// Without `knowsInfo` it is a magnet.
    init(
        pieces: Int = 4, blocksPerPiece: Int = 1, isComplete: Bool, isSequential: Bool = false,
        knowsInfo: Bool = true, opensStorage: Bool = true, selecting selection: String? = nil,
        configure: (inout Swarm.Configuration) -> Void = { _ in }
    ) throws {
        let pieceLength = blocksPerPiece * Self.blockLength
        let files = (0..<pieces).map { (path: ["\($0)"], length: pieceLength) }
        let builder =
            selection == nil
            ? InfoBuilder(name: "x", length: pieces * pieceLength, pieceLength: pieceLength)
            : InfoBuilder(name: "x", files: files, pieceLength: pieceLength)
        info = try builder.info(pieceHashes: Array(repeating: .zero, count: pieces))
        var configuration = Swarm.Configuration()
        configure(&configuration)
        var generator = SeededGenerator(number: 1)
        var identity = Swarm.Identity(
            peerID: PeerID(prefix: "-MN0100-", using: &generator), listenPort: 6881, clientName: "bench")
        identity.isSequential = isSequential
        identity.selection = try selection.map { try FileSelection([$0]) }
        swarm = Swarm(
            torrent: TorrentHandle(rawValue: 1), infoHash: info.infoHash, configuration: configuration,
            identity: identity,
            firstHandle: 1 << 40, generator: generator, now: now)
        let (info, have) = (info, isComplete ? Bitfield(filled: pieces) : Bitfield(count: pieces))
        guard knowsInfo else { return }
        tell { $0.metadataKnown(info, now: $2, into: &$1) }
        if opensStorage { tell { $0.storageOpened(have: have, now: $2, into: &$1) } }
    }

    mutating func tell(_ fact: (inout Swarm, inout Swarm.Outbox, Instant) -> Void) {
        outbox.clear()
        fact(&swarm, &outbox, now)
        for action in outbox.actions {
            switch action {
            case .close(let handle): closed.insert(handle)
            case .readBlock(let handle, _, let block): unsent[handle, default: []].append(block)
            case .send(let handle, _):
                for id in messageIDs(to: handle) where id <= 1 {
                    if id == 1 { unchoked.insert(handle) } else { unchoked.remove(handle) }
                }
            default: break
            }
        }
        for handle in outbox.lost {
            unchoked.remove(handle)
            unsent[handle] = nil
        }
    }

    /// The peer's socket takes what was read for it; returns how many blocks.
    @discardableResult
    mutating func take(_ peer: PeerHandle) -> Int {
        var count = 0
        while let blocks = unsent.removeValue(forKey: peer) {
            count += blocks.count
            for block in blocks { tell { $0.blockSent(block, to: peer, now: $2, into: &$1) } }
        }
        return count
    }

    /// The peer asks for the only block of a piece.
    mutating func request(_ piece: Int, by peer: PeerHandle) {
        say(peer, [.request(BlockRequest(piece: piece, offset: 0, length: Self.blockLength))])
    }

    /// Somebody connects; what it says goes into the same read.
    mutating func call(
        from endpoint: Endpoint, as peerID: PeerID? = nil, saying messages: [OutgoingMessage] = []
    ) -> PeerHandle {
        let handle = PeerHandle(rawValue: nextHandle)
        var generator = SeededGenerator(number: UInt64(nextHandle) + 100)
        nextHandle += 1
        var handshake: [UInt8] = []
        Handshake(
            capabilities: [.extensionProtocol, .fast], infoHash: info.infoHash,
            peerID: peerID ?? PeerID(prefix: "-TT0000-", using: &generator)
        ).encode(into: &handshake)
        var session = Session(
            role: .responder, infoHash: nil, ourPeerID: PeerID(prefix: "-MN0100-", using: &generator), now: now)
        _ = session.received(handshake.span.bytes, at: 0, now: now)
        tell { $0.adopt(handle, endpoint: endpoint, session: session, now: $2, into: &$1) }
        if !messages.isEmpty { say(handle, messages) }
        return handle
    }

    mutating func say(_ peer: PeerHandle, _ messages: [OutgoingMessage]) {
        var bytes: [UInt8] = []
        for message in messages { message.encode(into: &bytes) }
        say(peer, bytes)
    }

    mutating func say(_ peer: PeerHandle, _ handshake: ExtensionHandshake) {
        var bytes: [UInt8] = []
        handshake.encode(into: &bytes)
        say(peer, bytes)
    }

    /// The only block of a piece comes from the peer, and it is right.
    mutating func deliver(_ piece: Int, from peer: PeerHandle, isVerified: Bool = true) {
        let block = BlockRequest(piece: piece, offset: 0, length: Self.blockLength)
        var bytes: [UInt8] = []
        OutgoingMessage.pieceHeader(block).encode(into: &bytes)
        say(peer, bytes + Array(repeating: 0, count: block.length))
        if isVerified { tell { $0.pieceVerified(piece, now: $2, into: &$1) } }
    }

    /// The first bytes of a block come from the peer, or all of them.
    mutating func give(_ block: BlockRequest, from peer: PeerHandle, bytes count: Int? = nil) {
        var bytes: [UInt8] = []
        OutgoingMessage.pieceHeader(block).encode(into: &bytes)
        say(peer, bytes + Array(repeating: 0, count: count ?? block.length))
    }

    mutating func hangUp(_ peer: PeerHandle) {
        unread[peer] = nil
        tell { $0.disconnected(peer, now: $2, into: &$1) }
    }

    mutating func say(_ peer: PeerHandle, _ bytes: [UInt8]) {
        let all = unread[peer, default: []] + bytes
        var consumed = 0
        tell { consumed = $0.received(all.span.bytes, from: peer, now: $2, into: &$1) }
        unread[peer] = Array(all[consumed...])
    }

    /// Lets the time pass in steps of a tick.
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while now < end {
            now = now + .milliseconds(500)
            tell { $0.timedOut(now: $2, into: &$1) }
        }
    }

    /// What was said to a peer by the last fact, as ids of messages.
    func messageIDs(to peer: PeerHandle) -> [UInt8] { messages(to: peer).compactMap(\.first) }

    /// The blocks that it was asked for by the last fact.
    func requests(to peer: PeerHandle) -> [BlockRequest] {
        messages(to: peer).filter { $0.first == 6 && $0.count == 13 }.map { message in
            let fields = [1, 5, 9].map { Int(message.span.bytes.bigEndian(at: $0, as: UInt32.self)) }
            return BlockRequest(piece: fields[0], offset: fields[1], length: fields[2])
        }
    }

    /// What the storage was told to forget by the last fact.
    var forgotten: [(offset: Int, length: Int)] {
        outbox.actions.compactMap { action in
            if case .forget(_, _, let offset, let length) = action { (offset, length) } else { nil }
        }
    }

    /// The pieces of which the last fact brought bytes.
    var stores: [Int] {
        outbox.actions.compactMap { action in
            if case .store(_, let piece, _, _, _) = action { piece } else { nil }
        }
    }

    /// The blocks that are to be read since the last fact.
    var reads: [BlockRequest] {
        outbox.actions.compactMap { action in
            if case .readBlock(_, _, let block) = action { block } else { nil }
        }
    }

    /// The extended messages of one id that the last fact wrote to a peer: the bodies, and where their payload is.
    func extended(_ id: UInt8, to peer: PeerHandle) -> [(bytes: [UInt8], payload: Range<Int>)] {
        messages(to: peer).filter { $0.starts(with: [20, id]) }.map { ($0, 2..<$0.count) }
    }

    /// The bodies of what was written, without handshakes.
    private func messages(to peer: PeerHandle) -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        for case .send(peer, let range) in outbox.actions {
            var bytes = outbox.bytes[range]
            if bytes.first == 19 { bytes = bytes.dropFirst(Handshake.byteCount) }
            while bytes.count > 4 {
                let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                bodies.append(Array(bytes.dropFirst(4).prefix(length)))
                bytes = bytes.dropFirst(4 + length)
            }
        }
        return bodies
    }
}
