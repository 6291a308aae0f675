import Glibc
import NIOCore
import Primitives
import Storage
import Swarm

/// One TCP connection to a peer: reads to the client, writes of the client to the socket, facts about both.
///
/// State: attempting or accepted -> active -> over. A connection that the client closed tells nothing any more.
final class PeerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// -> active, over
        case opening
        /// -> over
        case active
        case over
    }

    /// Bytes that may wait for a peer that does not read.
    ///
    /// The client bounds what it sends; this bounds the client.
    static let unsentBytesMax = 16 << 20

    /// Answers and news that wait for a peer; beyond, nothing is read from it until it has read them.
    ///
    /// So a peer that asks and does not read cannot go on asking. One read may bring as many answers again.
    static let unsentMessageBytesMax = 64 << 10

    /// Nil until the client has accepted an incoming connection.
    private(set) var handle: PeerHandle?
    /// The torrent that it has brought payload for.
    var deliversTo: TorrentHandle?
    /// Whether it was written to since the last flush.
    var awaitsFlush = false

    private let loop: HostLoop
    private var state = State.opening
    private var context: ChannelHandlerContext?
    private var stream = PeerStream()
    /// What was read of a message that is not whole, as of the last read.
    private(set) var heldBytes = 0
    /// What was read of an opening and is not understood yet; nil once the session reads.
    private var opening: ByteBuffer? = ByteBuffer()
    /// Whether what is read and written passes the client's ciphers.
    private var isEncrypted = false
    private let output = PeerOutput()
    private var isPaused = false
    /// Why nothing is read: the disk is behind, or the peer does not read our answers.
    private var isPausedByDisk = false
    private var isPausedByOutput = false
    /// Messages that waited for the peer at the last flush, and what was written since.
    private(set) var unsentMessageBytes = 0
    private var writtenSinceFlush = 0
    /// Writes beyond the limit that will tell when they are sent.
    private var overdueWrites = 0

    /// `handle` is nil for an incoming connection.
    init(handle: PeerHandle?, loop: HostLoop) {
        self.handle = handle
        self.loop = loop
    }

    // MARK: Facts

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // The client may have given the attempt up before the channel was there.
        if case .over = state { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // Another attempt may have begun.
        if self.context === context { self.context = nil }
    }

    /// The attempt has neither succeeded nor failed, nor was it given up.
    var isOpening: Bool { if case .opening = state { true } else { false } }

    func channelActive(context: ChannelHandlerContext) {
        guard case .opening = state else { return context.close(promise: nil) }
        state = .active
        if let handle {
            loop.tell(.connected(handle))
        } else {
            handle = context.channel.remoteAddress.flatMap { Endpoint($0) }.flatMap { loop.accepted(self, from: $0) }
            if handle == nil { close() }
            loop.endBatch()
        }
    }

    /// The attempt failed, before the connection was active.
    func connectFailed() {
        guard case .opening = state, let handle else { return }
        state = .over
        loop.tell(.connectFailed(handle))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .over = state { return }
        guard let handle else { return }
        if var read = afterOpening(unwrapInboundIn(data), of: handle) {
            if !passesAsIs { loop.decrypt(&read, from: handle) }
            stream.feed(read) { bytes, isRead in
                guard case .active = state else { return nil }
                return loop.received(bytes, isRead: isRead, from: handle)
            }
        }
        noteHeld()
        if heldBytes > PeerStream.heldBytesMax { context.close(promise: nil) }
        // No `channelReadComplete` comes from a connection that was closed while it was read.
        if case .over = state { loop.endBatch() }
    }

    /// What of a read is for the session; nil while the connection is still being opened.
    private func afterOpening(_ read: ByteBuffer, of handle: PeerHandle) -> ByteBuffer? {
        guard var held = opening else { return read }
        guard loop.isOpening(handle) else {
            opening = nil
            return read
        }
        var read = read
        held.writeBuffer(&read)
        guard case .active = state, let consumed = loop.openingReceived(held.readableBytesSpan, from: handle) else {
            return nil
        }
        held.moveReaderIndex(forwardBy: consumed)
        held.discardReadBytes()
        opening = loop.isOpening(handle) ? held : nil
        return opening == nil && held.readableBytes > 0 ? held : nil
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.endBatch()
    }

    func channelInactive(context: ChannelHandlerContext) {
        dropOutput()
        releaseHeld()
        if case .over = state { loop.peers.hasLingered(self) }
        guard case .active = state, let handle else { return }
        state = .over
        loop.tell(.disconnected(handle))
    }

    /// A reset or any other error ends the connection; `channelInactive` tells.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Counts what was read of a message that is not whole, once a read is through.
    private func noteHeld() {
        let bytes = if case .over = state { 0 } else { stream.heldBytes }
        guard bytes != heldBytes else { return }
        let difference = bytes - heldBytes
        heldBytes = bytes
        loop.peers.heldChanged(by: difference)
    }

    /// The connection ends; the stream may be in use, so that it is left alone.
    private func releaseHeld() {
        loop.peers.heldChanged(by: -heldBytes)
        heldBytes = 0
    }

    /// The peer leaves one message too many unfinished: `channelInactive` tells.
    func dropHeld() {
        releaseHeld()
        stream = PeerStream()
        context?.close(promise: nil)
    }

    // MARK: Actions

    /// Writes without flushing.
    func send(_ bytes: ArraySlice<UInt8>) {
        guard let context, case .active = state else { return }
        var buffer = context.channel.allocator.buffer(capacity: bytes.count)
        buffer.writeBytes(bytes)
        if !passesAsIs, let handle { loop.encrypt(&buffer, to: handle) }
        writtenSinceFlush += bytes.count
        guard unsentMessageBytes + writtenSinceFlush > Self.unsentMessageBytesMax else {
            return output.write(buffer, to: context)
        }
        overdueWrites += 1
        output.write(buffer, to: context) { [self] in overdueSent() }
    }

    private func overdueSent() {
        overdueWrites -= 1
        guard let context, case .active = state else { return }
        noteUnsent(context)
    }

    /// Counts what waits for the peer, and reads on or not.
    private func noteUnsent(_ context: ChannelHandlerContext) {
        let bytes = output.unsentMessageBytes(context)
        loop.peers.unsentChanged(by: bytes - unsentMessageBytes)
        unsentMessageBytes = bytes
        // Without a write that will tell, nothing would end the pause.
        let isBehind = bytes > (isPausedByOutput ? Self.unsentMessageBytesMax / 2 : Self.unsentMessageBytesMax)
        isPausedByOutput = isBehind && overdueWrites > 0
        applyPause()
    }

    private func dropOutput() {
        output.drop()
        loop.peers.unsentChanged(by: -unsentMessageBytes)
        unsentMessageBytes = 0
    }

    /// What waits for the peer is counted anew.
    func recountUnsent() {
        if let context, case .active = state { noteUnsent(context) }
    }

    /// The peer is one too many of those that do not read: `channelInactive` tells.
    func dropUnread() {
        context?.close(promise: nil)
        dropOutput()
    }

    /// The opening is through: what is read and written from here on is encrypted, or was hidden so far and is not.
    func encrypt() {
        isEncrypted = true
    }

    /// Whether bytes pass unchanged, so that pipes may be sent, and buffers need not be ours alone.
    ///
    /// Once it is so it remains so: a hidden opening may be followed by plaintext.
    var passesAsIs: Bool {
        if isEncrypted, let handle, loop.passesAsIs(handle) { isEncrypted = false }
        return !isEncrypted
    }

    /// Writes without flushing; `sent` is called when the last byte has gone to the system, or not at all.
    func send(_ bytes: ByteBuffer, sent: @escaping () -> Void) {
        guard let context, case .active = state else { return }
        var bytes = bytes
        if !passesAsIs, let handle { loop.encrypt(&bytes, to: handle) }
        output.writePayload(bytes, to: context, sent: sent)
    }

    /// The same for what is in a pipe, which must not be encrypted: `passesAsIs` was true before it was filled.
    func send(_ pipe: BlockPipe, sent: @escaping () -> Void) {
        guard case .active = state else { return }
        output.write(pipe, sent: sent)
    }

    func flush() {
        awaitsFlush = false
        guard let context, case .active = state else { return }
        output.flush(context)
        guard self.context != nil, case .active = state else { return }
        writtenSinceFlush = 0
        noteUnsent(context)
        if output.unsentBytes(context) > Self.unsentBytesMax { context.close(promise: nil) }
    }

    /// Closes for good and tells nothing.
    ///
    /// What was written before still goes out if the socket takes it. Returns the end of its channel, if there is one
    /// yet.
    @discardableResult
    func close() -> EventLoopFuture<Void>? {
        let wasActive = if case .active = state { true } else { false }
        state = .over
        releaseHeld()
        guard let context else {
            dropOutput()
            return nil
        }
        let ended = context.channel.closeFuture
        if wasActive { output.flush(context) }
        dropOutput()
        if wasActive, loop.peers.mayLinger(self) { readOut(context) } else { context.close(promise: nil) }
        return ended
    }

    /// Says that no more comes, and closes when the other end has done so too, or soon after.
    ///
    /// What arrives for a socket that is gone, the system answers with a reset of its own, which leaves by whatever
    /// route is best: also by an interface that `--bind` does not name.
    private func readOut(_ context: ChannelHandlerContext) {
        context.close(mode: .output, promise: nil)
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.scheduleTask(in: PeerTable.lingerTime) { bound.value.context?.close(promise: nil) }
    }

    func leaves(from local: Endpoint) -> Bool {
        context?.channel.localAddress.flatMap { Endpoint($0) }?.host == local.host
    }

    /// Our port and the other end; nil before there is a connection.
    var ends: (port: UInt16, peer: Endpoint)? {
        guard case .active = state, let channel = context?.channel,
            let port = channel.localAddress.flatMap({ Endpoint($0) })?.port,
            let peer = channel.remoteAddress.flatMap({ Endpoint($0) })
        else { return nil }
        return (port, peer)
    }

    /// Ends the connection with a reset, which the other end needs no answer to; `channelInactive` tells.
    func abort() {
        guard let context else { return }
        let now = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(now)
        context.close(promise: nil)
    }

    /// Whether the peer is kept waiting: what it sends stays in the system's buffers, and then with itself.
    func setPaused(_ paused: Bool) {
        isPausedByDisk = paused
        applyPause()
    }

    private func applyPause() {
        let isWanted = isPausedByDisk || isPausedByOutput
        guard isWanted != isPaused, case .active = state else { return }
        isPaused = isWanted
        try? context?.channel.syncOptions?.setOption(.autoRead, value: !isWanted)
    }
}
