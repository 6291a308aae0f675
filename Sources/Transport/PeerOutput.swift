import NIOCore
import Storage

/// What one connection has to write: bytes through its channel, and blocks in pipes past it, straight to the socket.
///
/// All goes out in the order in which it came. A channel tells that the socket takes bytes again only if it has some
/// itself; so a socket that is full is given the next few bytes of the pipe through the channel, and the rest follows
/// when they are gone.
final class PeerOutput {
    private enum Item {
        case bytes(ByteBuffer, sent: (() -> Void)?)
        case pipe(BlockPipe, sent: () -> Void)
    }

    /// Copied for each time that the socket is full.
    private static let bytesThroughChannel = 1_024

    /// A pipe and what came after it.
    private var waiting = CircularBuffer<Item>()
    private var waitingBytes = 0
    /// Of those, in pipes.
    private var pipeBytes = 0
    /// Blocks in buffers that are not wholly sent.
    private var payloadBytes = 0
    /// The channel has bytes that go before those that wait.
    private var awaitsChannel = false
    private var isFlushing = false
    /// Asked for once: the question costs more than sending a block.
    private var openSocket: NIOBSDSocket.Handle?

    /// Bytes that neither the socket nor another machine has.
    func unsentBytes(_ context: ChannelHandlerContext) -> Int { waitingBytes + bufferedBytes(context) }

    /// The same without blocks, which are bounded where they are chosen: answers and news that the peer does not read.
    ///
    /// Less than there is while a block in a buffer is partly sent.
    func unsentMessageBytes(_ context: ChannelHandlerContext) -> Int {
        max(0, unsentBytes(context) - pipeBytes - payloadBytes)
    }

    /// Writes a block, or several, without flushing.
    ///
    /// `sent` is called when the last byte has gone to the system, or not at all.
    func writePayload(_ bytes: ByteBuffer, to context: ChannelHandlerContext, sent: @escaping () -> Void) {
        let count = bytes.readableBytes
        payloadBytes += count
        write(bytes, to: context) { [self] in
            payloadBytes -= count
            sent()
        }
    }

    /// Writes without flushing; `sent` is called when the last byte has gone to the system, or not at all.
    func write(_ bytes: ByteBuffer, to context: ChannelHandlerContext, sent: (() -> Void)? = nil) {
        guard waiting.isEmpty else {
            waiting.append(.bytes(bytes, sent: sent))
            waitingBytes += bytes.readableBytes
            return
        }
        writeThroughChannel(bytes, context, sent)
    }

    /// The same for what is in a pipe.
    func write(_ pipe: BlockPipe, sent: @escaping () -> Void) {
        waiting.append(.pipe(pipe, sent: sent))
        waitingBytes += pipe.byteCount
        pipeBytes += pipe.byteCount
    }

    /// Writes as much as the socket takes; the rest follows by itself.
    func flush(_ context: ChannelHandlerContext) {
        // Whoever is told that something is sent may write and flush in turn: that is done below.
        guard !isFlushing else { return }
        isFlushing = true
        repeat {
            while !awaitsChannel, let item = waiting.first { send(item, context) }
            context.flush()
        } while !awaitsChannel && !waiting.isEmpty
        isFlushing = false
    }

    /// The connection is over: nothing more is written, and nobody is told.
    func drop() {
        waiting.removeAll()
        waitingBytes = 0
        pipeBytes = 0
        payloadBytes = 0
    }

    private func send(_ item: Item, _ context: ChannelHandlerContext) {
        switch item {
        case .bytes(let bytes, let sent):
            waiting.removeFirst()
            waitingBytes -= bytes.readableBytes
            writeThroughChannel(bytes, context, sent)
        case .pipe(let pipe, let sent):
            if pipe.byteCount > 0 { send(pipe, context) }
            guard pipe.byteCount == 0, !awaitsChannel else { return }
            waiting.removeFirst()
            sent()
        }
    }

    private func send(_ pipe: BlockPipe, _ context: ChannelHandlerContext) {
        if bufferedBytes(context) > 0 { context.flush() }
        guard context.channel.isActive else { return drop() }
        let before = pipe.byteCount
        if bufferedBytes(context) == 0, let socket = socket(context) { _ = pipe.send(to: socket) }
        let next = pipe.byteCount > 0 ? pipe.read(Self.bytesThroughChannel) : nil
        waitingBytes -= before - pipe.byteCount
        pipeBytes -= before - pipe.byteCount
        guard let next else { return }
        guard next.readableBytes > 0 else {
            // A page of it has gone bad since, and what comes after it cannot be sent either.
            drop()
            return context.close(promise: nil)
        }
        // A socket that has failed ends the connection here, too.
        awaitsChannel = true
        writeThroughChannel(next, context) { [self] in
            awaitsChannel = false
            flush(context)
        }
        context.flush()
    }

    /// The channel's socket; only while the channel is active, for its number may be another's afterwards.
    private func socket(_ context: ChannelHandlerContext) -> NIOBSDSocket.Handle? {
        if openSocket == nil {
            openSocket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 }
        }
        return openSocket
    }

    private func writeThroughChannel(_ bytes: ByteBuffer, _ context: ChannelHandlerContext, _ sent: (() -> Void)?) {
        guard let sent else { return context.write(NIOAny(bytes), promise: nil) }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess(sent)
        context.write(NIOAny(bytes), promise: written)
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
