internal import CSHA1
package import Primitives

/// A SHA-1 message (FIPS 180-4) whose bytes come in stretches, to be hashed beside others by `SHA1Lanes`.
///
/// Where `SHA1` hashes at once, this only notes where the bytes are. Not `Sendable`: it belongs to whoever hashes.
package final class SHA1Stream {
    /// The five words of the digest in the making.
    var words: [5 of UInt32] = SHA1Stream.start
    /// Stretches that are not hashed yet, first to last.
    private var stretches: [UnsafeRawBufferPointer] = []
    private var nextStretch = 0
    /// Bytes before `stretches` that do not fill a block.
    private let partial = UnsafeMutableRawBufferPointer.allocate(byteCount: SHA1Stream.blockBytes, alignment: 64)
    private var partialCount = 0
    private var byteCount = 0

    static let blockBytes = 64
    private static let start: [5 of UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]

    package init() {}

    deinit {
        partial.deallocate()
    }

    /// What follows in the message; it must stay where it is until the next `SHA1Lanes.hash`.
    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        stretches.append(bytes)
        byteCount += bytes.count
    }

    /// The digest of all that was appended and hashed; begins the next message.
    package func finish() -> ID160 {
        precondition(nextStretch == stretches.count, "bytes were appended and not hashed")
        let bitCount = UInt64(byteCount) * 8
        partial[partialCount] = 0x80
        let end = partialCount + 1
        if end > SHA1Stream.blockBytes - 8 {
            clear(from: end)
            hashPartial()
            clear(from: 0)
        } else {
            clear(from: end)
        }
        partial.storeBytes(of: bitCount.bigEndian, toByteOffset: SHA1Stream.blockBytes - 8, as: UInt64.self)
        hashPartial()
        var digest: [UInt8] = []
        for index in words.indices { digest.appendBigEndian(words[index]) }
        reset()
        return ID160(digest.span.bytes, at: 0)
    }

    /// Drops the message and begins the next one.
    package func reset() {
        words = SHA1Stream.start
        stretches.removeAll(keepingCapacity: true)
        nextStretch = 0
        partialCount = 0
        byteCount = 0
    }

    private func clear(from start: Int) {
        UnsafeMutableRawBufferPointer(rebasing: partial[start...]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    private func hashPartial() {
        hash(UnsafeRawBufferPointer(partial))
    }

    /// Whole blocks, on their own.
    func hash(_ blocks: UnsafeRawBufferPointer) {
        withUnsafeMutablePointer(to: &words) { words in
            mainline_sha1_blocks(
                UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt32.self),
                blocks.baseAddress?.assumingMemoryBound(to: UInt8.self), blocks.count / SHA1Stream.blockBytes)
        }
    }

    /// The next whole blocks to hash, as they lie in memory; nil when no block is full.
    ///
    /// Stretches that begin or end within a block meet in `partial`, which stays as it is until the next call.
    func takeBlocks() -> UnsafeRawBufferPointer? {
        if partialCount == SHA1Stream.blockBytes { partialCount = 0 }
        while nextStretch < stretches.count {
            let stretch = stretches[nextStretch]
            if partialCount > 0 || stretch.count < SHA1Stream.blockBytes {
                let count = min(SHA1Stream.blockBytes - partialCount, stretch.count)
                UnsafeMutableRawBufferPointer(rebasing: partial[partialCount...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: stretch[..<count]))
                partialCount += count
                drop(count)
                if partialCount == SHA1Stream.blockBytes { return UnsafeRawBufferPointer(partial) }
            } else {
                let count = stretch.count & ~(SHA1Stream.blockBytes - 1)
                drop(count)
                return UnsafeRawBufferPointer(rebasing: stretch[..<count])
            }
        }
        stretches.removeAll(keepingCapacity: true)
        nextStretch = 0
        return nil
    }

    private func drop(_ count: Int) {
        stretches[nextStretch] = UnsafeRawBufferPointer(rebasing: stretches[nextStretch][count...])
        if stretches[nextStretch].isEmpty { nextStretch += 1 }
    }
}
