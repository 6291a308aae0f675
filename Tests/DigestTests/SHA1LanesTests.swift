import Primitives
import Testing

@testable import Digest

/// Many messages side by side have the digests that each has alone.
@Suite struct SHA1LanesTests {
    private struct Message {
        let bytes: [UInt8]
        /// Where it is cut; each stretch is given separately.
        let cuts: [Int]
    }

    private func messages(_ count: Int, upTo length: Int, seed: UInt64) -> [Message] {
        var generator = SeededGenerator(number: seed)
        return (0..<count).map { _ in
            let bytes = (0..<Int(generator.next() % UInt64(length + 1))).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
            let cuts = (0..<Int(generator.next() % 6)).map { _ in Int(generator.next() % UInt64(bytes.count + 1)) }
            return Message(bytes: bytes, cuts: cuts.sorted())
        }
    }

    /// Appends all messages in stretches, hashing after each `round` of them, and compares.
    private func check(_ messages: [Message], with lanes: inout SHA1Lanes, hashingBetween: Bool) {
        let streams = messages.map { _ in SHA1Stream() }
        let buffers = messages.map { message in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, message.bytes.count), alignment: 1)
            buffer.copyBytes(from: message.bytes)
            return buffer
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        for step in 0..<7 {
            for (index, message) in messages.enumerated() {
                let ends = message.cuts + [message.bytes.count]
                guard step < ends.count else { continue }
                let start = step == 0 ? 0 : ends[step - 1]
                streams[index].append(UnsafeRawBufferPointer(rebasing: buffers[index][start..<ends[step]]))
            }
            if hashingBetween { lanes.hash(streams) }
        }
        lanes.hash(streams)
        for (stream, message) in zip(streams, messages) { #expect(stream.finish() == SHA1.hash(message.bytes)) }
    }

    @Test(arguments: [true, false], [1, 4, 5, 15, 16, 17, 50])
    func manyMessagesHaveTheDigestsThatEachHasAlone(usingLanes: Bool, count: Int) {
        var lanes = SHA1Lanes(usingLanes: usingLanes && SHA1Lanes.count > 1)
        for seed in 0..<6 as Range<UInt64> {
            check(messages(count, upTo: 700, seed: seed), with: &lanes, hashingBetween: seed & 1 == 0)
        }
        check(messages(count, upTo: 9_000, seed: 99), with: &lanes, hashingBetween: true)
    }

    /// Around the place where the length no longer fits the last block.
    @Test(arguments: [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128])
    func theLastBlockIsPaddedAsTheStandardSays(length: Int) {
        let message = Message(bytes: [UInt8](repeating: 0x61, count: length), cuts: [])
        var lanes = SHA1Lanes()
        check(Array(repeating: message, count: 8), with: &lanes, hashingBetween: false)
    }

    @Test func aStreamServesOneMessageAfterTheOther() {
        var lanes = SHA1Lanes()
        let stream = SHA1Stream()
        Array("dropped".utf8).withUnsafeBytes { bytes in
            stream.append(bytes)
            lanes.hash([stream])
        }
        stream.reset()
        Array("abc".utf8).withUnsafeBytes { bytes in
            stream.append(bytes)
            lanes.hash([stream])
        }
        #expect(stream.finish().hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(stream.finish().hex == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }
}
