import NIOCore
import Swarm
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct PayloadSourceTests {
    private func store(_ range: Range<Int>) -> Swarm.Action {
        .store(
            TorrentHandle(rawValue: 1), piece: 0, offset: 0, from: PeerHandle(rawValue: 1), range: range)
    }

    private func read(byteCount: Int, capacity: Int) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.writeBytes((0..<byteCount).map { UInt8(truncatingIfNeeded: $0) })
        return buffer
    }

    @Test func aReadFullOfPayloadIsShared() throws {
        let bytes = read(byteCount: 65_000, capacity: 65_536)
        let source = PayloadSource(bytes, mayKeepSlices: true, [store(13..<30_000), store(30_013..<65_000)])
        let payload = try #require(source.payload(13..<30_000))
        #expect(payload.storageCapacity == bytes.storageCapacity)
        #expect(Array(payload.readableBytesView) == Array(bytes.readableBytesView[13..<30_000]))
    }

    /// A peer that sends one byte of payload in each large read must not pin all those buffers.
    @Test func aReadWithLittlePayloadIsCopied() throws {
        let bytes = read(byteCount: 65_000, capacity: 65_536)
        let source = PayloadSource(bytes, mayKeepSlices: true, [store(13..<14), store(100..<30_000)])
        let payload = try #require(source.payload(13..<14))
        #expect(payload.storageCapacity < 1_000)
        #expect(Array(payload.readableBytesView) == [13])
    }

    @Test func aBufferThatIsReusedIsCopied() throws {
        let bytes = read(byteCount: 4_096, capacity: 4_096)
        let source = PayloadSource(bytes, mayKeepSlices: false, [store(0..<4_095)])
        let payload = try #require(source.payload(0..<2_048))
        #expect(payload.storageCapacity == 2_048)
    }

    @Test func rangesCountFromTheUnreadPart() throws {
        var bytes = read(byteCount: 100, capacity: 128)
        bytes.moveReaderIndex(forwardBy: 10)
        let source = PayloadSource(bytes, mayKeepSlices: true, [store(5..<7)])
        #expect(source.payload(5..<7).map { Array($0.readableBytesView) } == [15, 16])
        #expect(source.payload(80..<91) == nil)
        #expect(source.byteCount == 2)
    }
}
