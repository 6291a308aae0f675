import Dispatch
package import Metainfo
package import NIOCore
import Primitives
import Synchronization

/// The files of one torrent, behind a serial worker: hashing and disk never block the caller.
///
/// Every call returns at once and is carried out in the order of the calls. Events come in batches, on the worker.
/// A descriptor, a lock and memory are held from `open` to `close`.
package final class TorrentStorage: Sendable {
    package let info: Info
    private let directory: String
    private let selection: SelectedFiles?
    private let configuration: StorageConfiguration
    private let report: @Sendable ([StorageEvent]) -> Void
    private let disk: any Disk
    private let queue = DispatchQueue(label: "mainline.storage")
    /// Where batches wait for the disk, while the worker goes on.
    private let syncQueue = DispatchQueue(label: "mainline.storage.sync")
    private let inbox = Mutex(Inbox())
    /// Exists from `open` to `close`; locked by the queue only, so nobody ever waits.
    private let worker = Mutex<StorageWorker?>(nil)
    private let shouldStop = StopFlag()

    private struct Inbox {
        var commands: [Command] = []
        var isScheduled = false
        /// Whether a timer runs that asks for a checkpoint.
        var isCheckpointTimed = false
        /// Whether one runs that ends the wait of whole pieces for company.
        var isRoundTimed = false
    }

    private enum Command: Sendable {
        case open
        case store(piece: Int, offset: Int, ByteBuffer)
        case forget(piece: Int, offset: Int, length: Int)
        case digestBlocks(piece: Int)
        case read(tag: UInt64, [BlockRead], heads: [UInt8], BlockPipe?)
        case finishWhole
        case beginCheckpoint
        case finish(Checkpoint)
        case close(@Sendable () -> Void)
    }

    /// `directory` is where the torrent's file or folder goes; it is made when it does not exist.
    ///
    /// Files that are not selected do not come into being; without a selection all do.
    package convenience init(
        info: Info, directory: String, selection: SelectedFiles? = nil,
        configuration: StorageConfiguration = StorageConfiguration(),
        report: @escaping @Sendable ([StorageEvent]) -> Void
    ) {
        self.init(
            info: info, directory: directory, selection: selection, configuration: configuration, disk: SystemDisk(),
            report: report)
    }

    /// On a disk of the caller's choice.
    init(
        info: Info, directory: String, selection: SelectedFiles? = nil, configuration: StorageConfiguration,
        disk: any Disk, report: @escaping @Sendable ([StorageEvent]) -> Void
    ) {
        self.info = info
        self.directory = directory
        self.selection = selection
        self.configuration = configuration
        self.disk = disk
        self.report = report
    }

    /// Where the torrent's file or folder is, as the user would write it; contains a name from the network.
    package var path: String { OutputFolder(path: directory, disk: disk).text([FileLayout.name(for: info)]) }

    /// Finds out what is there and checks it, before anything else; answered by `opened` or `failed`.
    package func open() {
        enqueue(.open)
    }

    /// Takes bytes of a piece, in any order, twice if need be; they must lie within the piece.
    ///
    /// The buffer is kept as it is until its bytes are written or dropped, which `released` tells.
    package func store(piece: Int, offset: Int, _ bytes: ByteBuffer) {
        precondition(
            offset >= 0 && bytes.readableBytes <= info.length(ofPiece: piece) - offset, "bytes outside the piece")
        enqueue(.store(piece: piece, offset: offset, bytes))
    }

    /// Bytes that were stored of a piece that is not whole are not kept: they are to be stored again.
    package func forget(piece: Int, offset: Int, length: Int) {
        precondition(
            offset >= 0 && length >= 0 && length <= info.length(ofPiece: piece) - offset, "bytes outside the piece")
        enqueue(.forget(piece: piece, offset: offset, length: length))
    }

    /// Reads parts of verified pieces into one buffer; answered by `blocksRead` with the same tag.
    ///
    /// `heads` are as many as blocks and equally long: each is put before its block. With an empty `pipe` all goes
    /// there if it can, which `blocksPiped` tells; after `blocksRead` what is in the pipe is of no use.
    package func read(_ blocks: [BlockRead], heads: [UInt8] = [], tag: UInt64, into pipe: BlockPipe? = nil) {
        for block in blocks {
            let room = info.length(ofPiece: block.piece) - block.offset
            precondition(block.offset >= 0 && block.length >= 0 && block.length <= room, "range outside the piece")
        }
        enqueue(.read(tag: tag, blocks, heads: heads, pipe))
    }

    /// Digests a verified piece block by block, to compare with an attempt that failed; answered by `blocksDigested`.
    package func digestBlocks(of piece: Int) {
        enqueue(.digestBlocks(piece: piece))
    }

    /// Carries out what was asked for before, brings it to the disk, and gives everything back.
    ///
    /// A check of existing files is cut short, and then not answered. `completion` runs on the worker after the last
    /// event.
    package func close(_ completion: @escaping @Sendable () -> Void) {
        shouldStop.set()
        enqueue(.close(completion))
    }

    private func enqueue(_ command: Command) {
        let mustSchedule = inbox.withLock { inbox in
            inbox.commands.append(command)
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        if mustSchedule { queue.async { self.drain() } }
    }

    private func drain() {
        var batch: [Command] = []
        while true {
            inbox.withLock { inbox in
                swap(&batch, &inbox.commands)
                inbox.isScheduled = !batch.isEmpty
            }
            guard !batch.isEmpty else { return }
            // Taken from the end one by one, so that no buffer outlives its command.
            batch.reverse()
            worker.withLock { worker in
                while let command = batch.popLast() {
                    perform(command, &worker)
                    if worker?.isCheckpointDue == true { beginCheckpoint(&worker) }
                }
                if worker?.awaitsCompany == true { startRoundTimer() } else { worker?.finishWhole() }
                if worker?.hasUnrecorded == true { startCheckpointTimer() }
                worker?.reportEvents()
            }
        }
    }

    /// The worker is changed in place only: a look at the optional itself would copy all of it.
    private func perform(_ command: Command, _ worker: inout StorageWorker?) {
        switch command {
        case .open:
            guard worker == nil else { return }
            worker = StorageWorker(
                info: info, directory: directory, selection: selection, configuration: configuration,
                shouldStop: shouldStop, disk: disk, report: report)
            worker?.open()
        case .store(let piece, let offset, let bytes):
            guard worker?.store(piece: piece, offset: offset, bytes) != nil else {
                return report([.released(bytes: bytes.readableBytes)])
            }
        case .forget(let piece, let offset, let length):
            worker?.forget(piece: piece, offset: offset, length: length)
        case .digestBlocks(let piece): worker?.digestBlocks(of: piece)
        case .read(let tag, let blocks, let heads, let pipe):
            guard worker?.read(blocks, heads: heads, tag: tag, into: pipe) != nil else {
                let errors = blocks.enumerated().map { ($0.offset, StorageError.notVerified(piece: $0.element.piece)) }
                return report([.blocksRead(tag: tag, ByteBuffer(), failed: Dictionary(uniqueKeysWithValues: errors))])
            }
        case .finishWhole:
            inbox.withLock { $0.isRoundTimed = false }
            worker?.finishWhole()
        case .beginCheckpoint:
            inbox.withLock { $0.isCheckpointTimed = false }
            beginCheckpoint(&worker)
        case .finish(let checkpoint): worker?.finish(checkpoint)
        case .close(let completion):
            worker?.close()
            worker = nil
            completion()
        }
    }

    private func beginCheckpoint(_ worker: inout StorageWorker?) {
        guard let checkpoint = worker?.beginCheckpoint() else { return }
        syncQueue.async {
            checkpoint.synchronize()
            self.enqueue(.finish(checkpoint))
        }
    }

    private func startCheckpointTimer() {
        startTimer(\.isCheckpointTimed, seconds: configuration.checkpointSeconds, then: .beginCheckpoint)
    }

    private func startRoundTimer() {
        startTimer(\.isRoundTimed, seconds: configuration.companySeconds, then: .finishWhole)
    }

    private func startTimer(_ isTimed: WritableKeyPath<Inbox, Bool>, seconds: Double, then command: Command) {
        let mustStart = inbox.withLock { inbox in
            defer { inbox[keyPath: isTimed] = true }
            return !inbox[keyPath: isTimed]
        }
        guard mustStart else { return }
        queue.asyncAfter(deadline: .now() + seconds) { [weak self] in
            self?.enqueue(command)
        }
    }
}
