import Client
import Digest
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// Several whole clients on one virtual clock, with links that lose nothing: what a driver does, without sockets.
struct World {
    private(set) var now = Instant.origin
    private(set) var machines: [Machine] = []
    private var connections: [Connection] = []
    private var pending: [Pending] = []
    private var sequence = 0
    /// All that was said to the neighbours.
    private(set) var localAnnounces: [(at: Instant, machine: Int)] = []
    let latency: Duration
    /// Called for each block that is sent; may change it.
    var tamper: (Int, BlockRequest, [UInt8]) -> [UInt8] = { _, _, bytes in bytes }
    /// Called for each write to a connection; may change it.
    var alter: (Int, [UInt8]) -> [UInt8] = { _, bytes in bytes }

    struct Machine {
        var client: Client
        let endpoint: Endpoint
        var events: [Client.Event] = []
        var isOff = false
        var disks: [TorrentHandle: MemoryDisk] = [:]
    }

    struct Connection {
        /// 0 called, 1 was called.
        var machines: [Int]
        var handles: [PeerHandle?]
        var unread: [[UInt8]] = [[], []]
        var isEncrypted = [false, false]
        /// How much of `unread` has been decrypted.
        var decrypted = [0, 0]
        var isClosed = false
    }

    private enum Fact {
        case datagram(machine: Int, from: Endpoint, [UInt8])
        case localAnnounce(machine: Int, from: Endpoint, [UInt8])
        case established(connection: Int)
        case refused(machine: Int, PeerHandle)
        case bytes(connection: Int, side: Int, [UInt8])
        case closed(connection: Int, side: Int)
    }

    private struct Pending {
        let at: Instant
        let order: Int
        let fact: Fact
    }

    init(latency: Duration = .milliseconds(20)) {
        self.latency = latency
    }

    /// Adds a client at 127.0.0.(n + 1), port 6881.
    mutating func add(seed: UInt64, configure: (inout Client.Configuration) -> Void = { _ in }) -> Int {
        var configuration = Client.Configuration()
        configuration.node.networkMode = .private
        configure(&configuration)
        let endpoint = Endpoint.v4(127, 0, 0, UInt8(machines.count + 1), port: 6881)
        let client = Client(
            configuration: configuration, homes: [HomeSetup(local: endpoint)], generator: SeededGenerator(number: seed),
            now: now)
        machines.append(Machine(client: client, endpoint: endpoint))
        return machines.count - 1
    }

    mutating func command(_ machine: Int, _ command: Client.Command) {
        tell(machine) { $0.command(command, now: $2, into: &$1) }
    }

    /// What the machine's disk holds when a torrent's storage is opened.
    mutating func insertDisk(_ machine: Int, _ torrent: TorrentHandle, _ disk: MemoryDisk) {
        machines[machine].disks[torrent] = disk
    }

    /// Nothing more is heard of the machine, and its connections stay as they are.
    mutating func silence(_ machine: Int) {
        machines[machine].isOff = true
    }

    /// Cuts the machine off: its connections end, and nobody reaches it any more.
    mutating func switchOff(_ machine: Int) {
        machines[machine].isOff = true
        for index in connections.indices where connections[index].machines.contains(machine) {
            close(index, by: connections[index].machines[0] == machine ? 0 : 1)
        }
    }

    func events(_ machine: Int) -> [TorrentEvent] {
        machines[machine].events.compactMap { event in
            if case .torrent(_, let torrentEvent) = event { return torrentEvent }
            return nil
        }
    }

    /// Runs until `done` or until the time is over.
    ///
    /// Returns whether it was done.
    mutating func run(for duration: Duration, until done: (World) -> Bool = { _ in false }) -> Bool {
        let end = now + duration
        while !done(self) {
            let timer = machines.indices.compactMap { machine -> (Instant, Int)? in
                guard !machines[machine].isOff, let deadline = machines[machine].client.nextDeadline else { return nil }
                return (max(deadline, now), machine)
            }.min { $0 < $1 }
            if let next = pending.first, next.at <= (timer?.0 ?? .distantFuture) {
                guard next.at <= end else { break }
                pending.removeFirst()
                now = next.at
                deliver(next.fact)
            } else if let (at, machine) = timer, at <= end {
                now = at
                tell(machine) { $0.timedOut(now: $2, into: &$1) }
            } else {
                break
            }
        }
        if !done(self) { now = end }
        return done(self)
    }

    private mutating func schedule(_ fact: Fact) {
        sequence += 1
        // All delays are equal, so appending keeps the queue sorted.
        pending.append(Pending(at: now + latency, order: sequence, fact: fact))
    }

    private mutating func deliver(_ fact: Fact) {
        switch fact {
        case .datagram(let machine, let from, let bytes):
            guard !machines[machine].isOff else { return }
            tell(machine) { $0.receivedDatagram(bytes.span.bytes, from: from, at: 0, now: $2, into: &$1) }
        case .localAnnounce(let machine, let from, let bytes):
            guard !machines[machine].isOff else { return }
            tell(machine) { $0.receivedLocalAnnounce(bytes.span.bytes, from: from, now: $2, into: &$1) }
        case .refused(let machine, let handle):
            tell(machine) { $0.connectFailed(handle, now: $2, into: &$1) }
        case .established(let index):
            guard !connections[index].isClosed, let caller = connections[index].handles[0] else { return }
            let called = connections[index].machines[1]
            let from = machines[connections[index].machines[0]].endpoint
            var handle: PeerHandle?
            tell(called) { handle = $0.accepted(from: from, now: $2, into: &$1) }
            connections[index].handles[1] = handle
            let machine = connections[index].machines[0]
            tell(machine) { $0.connected(caller, now: $2, into: &$1) }
        case .bytes(let index, let side, let bytes):
            connections[index].unread[side] += bytes
            read(index, side)
        case .closed(let index, let side):
            guard let handle = connections[index].handles[side] else { return }
            connections[index].handles[side] = nil
            let machine = connections[index].machines[side]
            guard !machines[machine].isOff else { return }
            tell(machine) { $0.disconnected(handle, now: $2, into: &$1) }
        }
    }

    private mutating func read(_ index: Int, _ side: Int) {
        let machine = connections[index].machines[side]
        guard let handle = connections[index].handles[side], !machines[machine].isOff else { return }
        var outbox = Client.Outbox()
        if machines[machine].client.isOpening(handle) {
            let bytes = connections[index].unread[side]
            let consumed = machines[machine].client.openingReceived(
                bytes.span.bytes, from: handle, now: now, into: &outbox)
            connections[index].unread[side].removeFirst(consumed)
            carryOut(outbox, received: [], of: machine)
            let isThrough = connections[index].handles[side] != nil && !machines[machine].client.isOpening(handle)
            if isThrough, !connections[index].unread[side].isEmpty { read(index, side) }
            return
        }
        decrypt(index, side, handle, of: machine)
        let bytes = connections[index].unread[side]
        let consumed = machines[machine].client.received(bytes.span.bytes, from: handle, now: now, into: &outbox)
        connections[index].unread[side].removeFirst(consumed)
        connections[index].decrypted[side] = bytes.count - consumed
        carryOut(outbox, received: bytes, of: machine)
    }

    private mutating func decrypt(_ index: Int, _ side: Int, _ handle: PeerHandle, of machine: Int) {
        guard connections[index].isEncrypted[side] else { return }
        let start = connections[index].decrypted[side]
        var fresh = Array(connections[index].unread[side][start...])
        var elements = fresh.mutableSpan
        var span = elements.mutableBytes
        machines[machine].client.decrypt(&span, from: handle)
        connections[index].unread[side].replaceSubrange(start..., with: fresh)
    }

    private mutating func close(_ index: Int, by side: Int) {
        guard !connections[index].isClosed else { return }
        connections[index].isClosed = true
        connections[index].handles[side] = nil
        schedule(.closed(connection: index, side: 1 - side))
    }

    private func find(_ handle: PeerHandle, of machine: Int) -> (connection: Int, side: Int)? {
        for index in connections.indices {
            for side in 0...1 where connections[index].machines[side] == machine {
                if connections[index].handles[side] == handle { return (index, side) }
            }
        }
        return nil
    }

    private mutating func tell(_ machine: Int, _ fact: (inout Client, inout Client.Outbox, Instant) -> Void) {
        var outbox = Client.Outbox()
        fact(&machines[machine].client, &outbox, now)
        carryOut(outbox, received: [], of: machine)
    }

    private mutating func carryOut(_ outbox: Client.Outbox, received: [UInt8], of machine: Int) {
        machines[machine].events += outbox.events
        for datagram in outbox.dht.datagrams {
            guard let target = machines.firstIndex(where: { $0.endpoint == datagram.to }) else { continue }
            let bytes = Array(outbox.dht.bytes[datagram.range])
            schedule(.datagram(machine: target, from: machines[machine].endpoint, bytes))
        }
        for announce in outbox.localAnnounces { tellNeighbours(announce, of: machine) }
        for action in outbox.swarm.actions { carryOut(action, outbox.swarm.bytes, received, of: machine) }
    }

    /// All hear it, also the one who says it.
    private mutating func tellNeighbours(_ announce: LocalAnnounce, of machine: Int) {
        localAnnounces.append((now, machine))
        for target in machines.indices {
            schedule(
                .localAnnounce(machine: target, from: machines[machine].endpoint, announce.encoded(for: .v4)))
        }
    }

    private mutating func carryOut(_ action: Swarm.Action, _ bytes: [UInt8], _ received: [UInt8], of machine: Int) {
        switch action {
        case .connect(let handle, let endpoint):
            if let target = machines.firstIndex(where: { $0.endpoint == endpoint && !$0.isOff }) {
                connections.append(Connection(machines: [machine, target], handles: [handle, nil]))
                schedule(.established(connection: connections.count - 1))
            } else {
                schedule(.refused(machine: machine, handle))
            }
        case .send(let handle, let range): send(Array(bytes[range]), to: handle, of: machine)
        case .sendOpening(let handle, let range): send(Array(bytes[range]), to: handle, of: machine)
        case .encrypt(let handle):
            if let (index, side) = find(handle, of: machine) { connections[index].isEncrypted[side] = true }
        case .close(let handle):
            if let (index, side) = find(handle, of: machine) { close(index, by: side) }
        case .store(let torrent, let piece, let offset, _, let range):
            switch machines[machine].disks[torrent]?.store(Array(received[range]), piece: piece, offset: offset) {
            case true?:
                tell(machine) { $0.pieceVerified(piece, of: torrent, now: $2, into: &$1) }
            case false?:
                let blocks = machines[machine].disks[torrent]?.digests(of: piece) ?? []
                tell(machine) { $0.pieceFailed(piece, blocks: blocks, of: torrent, now: $2, into: &$1) }
            case nil: break
            }
        case .forget(let torrent, let piece, let offset, let length):
            machines[machine].disks[torrent]?.forget(piece: piece, offset: offset, length: length)
        case .digestBlocks(let torrent, let piece):
            let blocks = machines[machine].disks[torrent]?.digests(of: piece) ?? []
            tell(machine) { $0.blocksDigested(piece, blocks, of: torrent, now: $2, into: &$1) }
        case .readBlock(let handle, let torrent, let block):
            guard let disk = machines[machine].disks[torrent] else { return }
            var message: [UInt8] = []
            OutgoingMessage.pieceHeader(block).encode(into: &message)
            send(message + tamper(machine, block, disk.read(block)), to: handle, of: machine)
            tell(machine) { $0.blockSent(block, to: handle, now: $2, into: &$1) }
        case .openStorage(let torrent, let info, _):
            let disk = machines[machine].disks[torrent] ?? MemoryDisk(info: info)
            machines[machine].disks[torrent] = disk
            tell(machine) { $0.storageOpened(torrent, have: disk.have, now: $2, into: &$1) }
        case .pauseReading, .resumeReading: break
        }
    }

    private mutating func send(_ bytes: [UInt8], to handle: PeerHandle, of machine: Int) {
        guard let (index, side) = find(handle, of: machine) else { return }
        var bytes = bytes
        if connections[index].isEncrypted[side] {
            var elements = bytes.mutableSpan
            var span = elements.mutableBytes
            machines[machine].client.encrypt(&span, to: handle)
        }
        schedule(.bytes(connection: index, side: 1 - side, alter(machine, bytes)))
    }
}

/// A storage in memory that verifies like the real one.
struct MemoryDisk {
    let info: Info
    private(set) var have: Bitfield
    private(set) var content: [UInt8]
    private var filled: [Int: (isThere: [Bool], missing: Int)] = [:]

    init(info: Info) {
        self.info = info
        have = Bitfield(count: info.pieceCount)
        content = Array(repeating: 0, count: info.totalLength)
    }

    init(info: Info, content: [UInt8]) {
        self.init(info: info)
        self.content = content
        have = Bitfield(filled: info.pieceCount)
    }

    func read(_ block: BlockRequest) -> [UInt8] {
        let start = block.piece * info.pieceLength + block.offset
        return Array(content[start..<start + block.length])
    }

    /// What a storage says of the blocks that it has of a piece.
    func digests(of piece: Int) -> [BlockDigest] {
        let start = piece * info.pieceLength
        return stride(from: 0, to: info.length(ofPiece: piece), by: BlockRequest.usualLength).map { offset in
            let end = min(offset + BlockRequest.usualLength, info.length(ofPiece: piece))
            return SHA1.hash(Array(content[start + offset..<start + end])).high
        }
    }

    /// Bytes that were stored are to come again.
    mutating func forget(piece: Int, offset: Int, length: Int) {
        for index in offset..<offset + length where filled[piece]?.isThere[index] == true {
            filled[piece]?.isThere[index] = false
            filled[piece]?.missing += 1
        }
    }

    /// True when the piece is whole and right, false when it is whole and wrong.
    mutating func store(_ bytes: [UInt8], piece: Int, offset: Int) -> Bool? {
        let start = piece * info.pieceLength
        let length = info.length(ofPiece: piece)
        var there = filled[piece] ?? (Array(repeating: false, count: length), length)
        filled[piece] = nil
        for (index, byte) in bytes.enumerated() where !there.isThere[offset + index] {
            there.isThere[offset + index] = true
            there.missing -= 1
            content[start + offset + index] = byte
        }
        guard there.missing == 0 else {
            filled[piece] = there
            return nil
        }
        guard SHA1.hash(Array(content[start..<start + length])) == info.hash(ofPiece: piece) else { return false }
        have[piece] = true
        return true
    }
}

/// A torrent of random content.
struct Payload {
    let info: Info
    let content: [UInt8]

    init(byteCount: Int, pieceLength: Int = 32 << 10, isPrivate: Bool = false, seed: UInt64 = 1) throws {
        var generator = SeededGenerator(number: seed)
        let content = generator.bytes(count: byteCount)
        self.content = content
        var hasher = PieceHasher(pieceLength: pieceLength)
        hasher.update(content.span.bytes)
        var builder = InfoBuilder(name: "payload", length: byteCount, pieceLength: pieceLength)
        builder.isPrivate = isPrivate
        info = try builder.info(pieceHashes: hasher.finish())
    }

    var disk: MemoryDisk { MemoryDisk(info: info, content: content) }
}
