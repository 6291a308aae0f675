import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Storage
@testable import Transport

/// One end of a TCP connection writes as peers do, the other is read by the test.
@Suite(.serialized, .timeLimit(.minutes(10))) final class PeerOutputTests {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let pool = BlockPipePool(limit: 8)
    private let pages = HeadPages()

    deinit {
        try? group.syncShutdownGracefully()
    }

    private final class Writer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let output = PeerOutput()
        var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func channelInactive(context: ChannelHandlerContext) { output.drop() }
    }

    private final class Sent: Sendable {
        let names = Mutex<[String]>([])
        var all: [String] { names.withLock { $0 } }

        func note(_ name: String) -> () -> Void {
            { self.names.withLock { $0.append(name) } }
        }
    }

    /// Runs on the loop with the output of a connection.
    private typealias Loop = (@escaping @Sendable (PeerOutput, ChannelHandlerContext) -> Void) async throws -> Void

    private func connect(sendBuffer: Int32? = nil) async throws -> (Loop, socket: Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F16_3201).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let isConnected = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, address, &length) == 0 && Glibc.connect(far, address, length) == 0
            }
        }
        try #require(isConnected)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(far, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let near = accept(listener, nil, nil)
        if var sendBuffer { setsockopt(near, SOL_SOCKET, SO_SNDBUF, &sendBuffer, socklen_t(MemoryLayout<Int32>.size)) }
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Writer()) }
            }
            .withConnectedSocket(near).get()
        let run: Loop = { body in
            try await channel.eventLoop.submit {
                let writer = try channel.pipeline.syncOperations.handler(type: Writer.self)
                if let context = writer.context { body(writer.output, context) }
            }.get()
        }
        return (run, far)
    }

    private func pipe(_ byte: UInt8, _ count: Int) throws -> BlockPipe {
        let pipe = try #require(pool.take())
        let bytes = try #require(pages.keep([UInt8](repeating: byte, count: count)))
        try #require(pipe.lend(bytes[0..<count]))
        pipe.filled(count)
        return pipe
    }

    private func read(_ count: Int, from socket: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = recv(socket, &bytes, count, Int32(MSG_WAITALL))
        return Array(bytes.prefix(max(0, got)))
    }

    @Test func bytesAndPipesKeepTheirOrderWhenTheSocketIsFull() async throws {
        let (run, far) = try await connect(sendBuffer: 8_192)
        defer { close(far) }
        let sent = Sent()
        let pipes = try (0..<6).map { try pipe(UInt8($0), 60_000) }
        try await run { output, context in
            for (number, pipe) in pipes.enumerated() {
                output.write(ByteBuffer(repeating: UInt8(100 + number), count: 1 + number), to: context)
                output.write(pipe, sent: sent.note("pipe \(number)"))
            }
            output.write(ByteBuffer(repeating: 200, count: 300_000), to: context, sent: sent.note("buffer"))
            output.flush(context)
            #expect(output.unsentBytes(context) > 300_000)
        }
        #expect(sent.all.count < 6, "more than the socket takes")
        try await run { output, context in
            output.write(ByteBuffer(repeating: 201, count: 5), to: context, sent: sent.note("last"))
            output.flush(context)
        }
        var expected: [UInt8] = []
        for number in 0..<UInt8(6) {
            expected += [UInt8](repeating: 100 + number, count: 1 + Int(number))
            expected += [UInt8](repeating: number, count: 60_000)
        }
        expected += [UInt8](repeating: 200, count: 300_000) + [UInt8](repeating: 201, count: 5)
        #expect(read(expected.count, from: far) == expected)
        try await run { output, context in #expect(output.unsentBytes(context) == 0) }
        #expect(sent.all == (0..<6).map { "pipe \($0)" } + ["buffer", "last"])
    }

    /// A system that waits for more to send waits 200 ms.
    @Test func aLoneBlockGoesOutAtOnce() async throws {
        let (run, far) = try await connect()
        defer { close(far) }
        let clock = ContinuousClock()
        var shortest = Duration.seconds(1)
        // A busy machine may delay some of them.
        for number in 0..<20 {
            let start = clock.now
            let pipe = try pipe(UInt8(number), 1_013)
            try await run { output, context in
                output.write(pipe, sent: {})
                output.flush(context)
            }
            #expect(read(1_013, from: far) == [UInt8](repeating: UInt8(number), count: 1_013))
            shortest = min(shortest, clock.now - start)
        }
        #expect(shortest < .milliseconds(190))
    }

    @Test func whoIsToldMayWriteOn() async throws {
        let (run, far) = try await connect(sendBuffer: 8_192)
        defer { close(far) }
        let (first, second) = (try pipe(1, 60_000), try pipe(2, 60_000))
        try await run { output, context in
            output.write(first) {
                output.write(second) {
                    output.write(ByteBuffer(bytes: [3]), to: context)
                    output.flush(context)
                }
                output.flush(context)
            }
            output.flush(context)
        }
        let bytes = read(120_001, from: far)
        #expect(bytes == [UInt8](repeating: 1, count: 60_000) + [UInt8](repeating: 2, count: 60_000) + [3])
    }

    /// As when a page of it has gone bad.
    @Test func aPipeThatHoldsLessThanItSaysEndsTheConnection() async throws {
        let (run, far) = try await connect()
        defer { close(far) }
        let short = try pipe(1, 10)
        short.filled(20)
        let sent = Sent()
        try await run { output, context in
            output.write(short, sent: sent.note("pipe"))
            output.write(ByteBuffer(bytes: [2]), to: context)
            output.flush(context)
        }
        #expect(read(30, from: far) == [UInt8](repeating: 1, count: 10))
        #expect(sent.all.isEmpty)
    }

    @Test func pipesOfAConnectionThatEndsAreGivenBack() async throws {
        let (run, far) = try await connect(sendBuffer: 8_192)
        let sent = Sent()
        var pipes: [BlockPipe] = try (0..<8).map { try pipe(UInt8($0), 60_000) }
        #expect(pool.take() == nil)
        try await run { [pipes] output, context in
            for pipe in pipes { output.write(pipe, sent: sent.note("pipe")) }
            output.flush(context)
        }
        pipes = []
        // Unread bytes make it a reset.
        close(far)
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        while pool.openCount == 8, clock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        #expect(pool.openCount < 8, "pipes with bytes in them are closed")
        #expect(pool.take() != nil)
    }
}
