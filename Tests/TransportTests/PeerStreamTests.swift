import NIOCore
import Primitives
import Testing

@testable import Transport

/// Messages of one length byte and as many bytes, which a reader takes whole, as a session takes small messages; after
/// a length of 255 everything is taken as it comes, as payload is.
@Suite(.timeLimit(.minutes(10))) struct PeerStreamTests {
    private struct Reader {
        var messages: [[UInt8]] = []
        var payload: [UInt8] = []
        var heldPayloadBytes = 0
        var calls = 0

        mutating func take(_ bytes: ByteBuffer, _ isRead: Bool) -> Int {
            calls += 1
            guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return 0 }
            if length == 255 {
                let taken = Array(bytes.readableBytesView.dropFirst())
                payload += taken
                if !isRead { heldPayloadBytes += taken.count }
                return bytes.readableBytes
            }
            guard bytes.readableBytes > length else { return 0 }
            messages.append(bytes.getBytes(at: bytes.readerIndex + 1, length: Int(length)) ?? [])
            return 1 + Int(length)
        }
    }

    private func stream(of messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { [UInt8($0.count)] + $0 }
    }

    private func sample() -> [[UInt8]] {
        var generator = SeededGenerator(number: 7)
        return (0..<300).map { _ in generator.bytes(count: Int.random(in: 0...254, using: &generator)) }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 65, 1_000, 100_000])
    func messagesAreTheSameHoweverTheStreamIsCut(chunk: Int) {
        let messages = sample()
        let bytes = stream(of: messages)
        var peerStream = PeerStream()
        var reader = Reader()
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let read = ByteBuffer(bytes: bytes[start..<min(start + chunk, bytes.count)])
            peerStream.feed(read) { reader.take($0, $1) }
        }
        #expect(reader.messages == messages)
        #expect(peerStream.heldBytes == 0)
    }

    @Test func onlyTheStartOfAReadIsCopiedToCompleteWhatWasHeld() {
        var peerStream = PeerStream()
        var reader = Reader()
        peerStream.feed(ByteBuffer(bytes: [3, 1, 2])) { reader.take($0, $1) }
        #expect(peerStream.heldBytes == 3)
        let payload = [UInt8](repeating: 9, count: 100_000)
        peerStream.feed(ByteBuffer(bytes: [3, 255] + payload)) { reader.take($0, $1) }
        #expect(reader.messages == [[1, 2, 3]])
        #expect(reader.payload == payload)
        #expect(reader.heldPayloadBytes == 0)
    }

    @Test func aReaderThatHasStoppedIsShownNothingMore() {
        var peerStream = PeerStream()
        var calls = 0
        peerStream.feed(ByteBuffer(bytes: [1, 2, 3])) { _, _ in
            calls += 1
            return nil
        }
        #expect(calls == 1)
        #expect(peerStream.heldBytes == 0)
    }

    /// A large message that trickles in must not be shown, or copied, from its start again for every byte.
    @Test func aTrickledMessageCostsOneCallAByte() {
        var peerStream = PeerStream()
        var reader = Reader()
        let bytes = stream(of: [[UInt8](repeating: 5, count: 254)])
        for byte in bytes { peerStream.feed(ByteBuffer(bytes: [byte])) { reader.take($0, $1) } }
        #expect(reader.messages.count == 1)
        #expect(reader.calls <= bytes.count)
    }
}
