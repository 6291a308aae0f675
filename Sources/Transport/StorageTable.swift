import Metainfo
import NIOCore
import PeerProtocol
import Storage
import Swarm
import Synchronization

/// The files of a host's torrents: what goes to their workers, and what comes back.
final class StorageTable {
    private struct Files {
        let storage: TorrentStorage
        /// Given to the storage and not released by it.
        var backlogBytes = 0
    }

    private unowned let loop: HostLoop
    private var directories: [TorrentHandle: String] = [:]
    private var files: [TorrentHandle: Files] = [:]
    /// Who waits for blocks from the disk.
    ///
    /// Bounded by what the client asks for.
    private var reads: [UInt64: StartedRead] = [:]
    private var nextRead: UInt64 = 0
    /// Asked for in this batch, and not told to a worker yet.
    private var asked: [Read] = []

    /// Blocks that a worker reads; into the pipe, where there is one.
    struct StartedRead {
        let peer: PeerHandle
        let blocks: [BlockRequest]
        let pipe: BlockPipe?
    }

    /// Blocks for one peer, read into one buffer or pipe.
    private struct Read {
        let torrent: TorrentHandle
        let peer: PeerHandle
        var blocks: [BlockRequest]
        var byteCount: Int
    }

    /// A buffer is released as a whole, when its last byte is sent.
    private static let readBytesMax = 256 << 10
    private let pipes: BlockPipePool
    /// Storages that are told to close and have not done so.
    private var closing: [Int: EventLoopFuture<Void>] = [:]
    private var nextClosing = 0

    init(loop: HostLoop) {
        self.loop = loop
        pipes = BlockPipePool(limit: loop.configuration.blockPipesMax)
    }

    /// Where the files of a torrent go once they are known.
    func setDirectory(_ directory: String, of torrent: TorrentHandle) {
        directories[torrent] = directory
    }

    // MARK: To the workers

    func open(_ torrent: TorrentHandle, _ info: Info, _ selection: SelectedFiles) {
        guard files[torrent] == nil, let directory = directories[torrent] else { return }
        let mailbox = StorageMailbox(torrent: torrent, loop: NIOLoopBound(loop, eventLoop: loop.eventLoop))
        let storage = TorrentStorage(
            info: info, directory: directory, selection: selection,
            configuration: loop.configuration.storageWithinBacklog
        ) {
            mailbox.post($0)
        }
        files[torrent] = Files(storage: storage)
        storage.open()
    }

    func store(_ payload: ByteBuffer, piece: Int, offset: Int, in torrent: TorrentHandle) {
        guard let index = files.index(forKey: torrent) else { return }
        files.values[index].backlogBytes += payload.readableBytes
        files.values[index].storage.store(piece: piece, offset: offset, payload)
    }

    func forget(piece: Int, offset: Int, length: Int, of torrent: TorrentHandle) {
        files[torrent]?.storage.forget(piece: piece, offset: offset, length: length)
    }

    func digestBlocks(of piece: Int, of torrent: TorrentHandle) {
        files[torrent]?.storage.digestBlocks(of: piece)
    }

    /// Notes a block to read with the others of this batch.
    func read(_ block: BlockRequest, of torrent: TorrentHandle, for peer: PeerHandle) {
        if let last = asked.indices.last, asked[last].torrent == torrent, asked[last].peer == peer,
            asked[last].byteCount + block.length <= Self.readBytesMax
        {
            asked[last].blocks.append(block)
            asked[last].byteCount += block.length
        } else {
            asked.append(Read(torrent: torrent, peer: peer, blocks: [block], byteCount: block.length))
        }
    }

    /// Tells the workers what is to be read.
    func startReads() {
        for read in asked {
            guard let storage = files[read.torrent]?.storage else { continue }
            nextRead += 1
            let pipe = loop.peers[read.peer]?.passesAsIs == true ? pipes.take() : nil
            reads[nextRead] = StartedRead(peer: read.peer, blocks: read.blocks, pipe: pipe)
            var heads: [UInt8] = []
            heads.reserveCapacity(16 * read.blocks.count)
            for block in read.blocks { OutgoingMessage.pieceHeader(block).encode(into: &heads) }
            let blocks = read.blocks.map { BlockRead(piece: $0.piece, offset: $0.offset, length: $0.length) }
            storage.read(blocks, heads: heads, tag: nextRead, into: pipe)
        }
        asked.removeAll(keepingCapacity: true)
    }

    /// Closes the files when all that was given to them is written.
    func close(_ torrent: TorrentHandle) {
        directories[torrent] = nil
        guard let storage = files.removeValue(forKey: torrent)?.storage else { return }
        let closed = loop.eventLoop.makePromise(of: Void.self)
        storage.close { closed.succeed() }
        nextClosing += 1
        closing[nextClosing] = closed.futureResult
        closed.futureResult.assumeIsolated().whenComplete { [self, nextClosing] _ in closing[nextClosing] = nil }
    }

    /// Completes when all files are closed.
    func closeAll() -> EventLoopFuture<Void> {
        for torrent in files.keys { close(torrent) }
        return EventLoopFuture.andAllComplete(Array(closing.values), on: loop.eventLoop)
    }

    // MARK: From the workers

    /// What the torrent's storage still holds; nil when it is closed.
    func backlog(of torrent: TorrentHandle) -> Int? { files[torrent]?.backlogBytes }

    func released(_ bytes: Int, by torrent: TorrentHandle) {
        guard let index = files.index(forKey: torrent) else { return }
        files.values[index].backlogBytes = max(0, files.values[index].backlogBytes - bytes)
    }

    func finishedRead(_ tag: UInt64) -> StartedRead? {
        reads.removeValue(forKey: tag)
    }
}

/// Carries a worker's events to the loop: many for one hop when the loop is busy.
private final class StorageMailbox: Sendable {
    private let torrent: TorrentHandle
    private let loop: NIOLoopBound<HostLoop>
    private let waiting = Mutex<[StorageEvent]>([])

    init(torrent: TorrentHandle, loop: NIOLoopBound<HostLoop>) {
        self.torrent = torrent
        self.loop = loop
    }

    func post(_ events: [StorageEvent]) {
        let wasEmpty = waiting.withLock { waiting in
            defer { waiting += events }
            return waiting.isEmpty
        }
        guard wasEmpty else { return }
        loop.eventLoop.execute {
            let events = self.waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            self.loop.value.tell(.storage(self.torrent, events))
        }
    }
}
