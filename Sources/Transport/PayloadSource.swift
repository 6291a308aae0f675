import NIOCore
import Swarm

/// Where the payload of `store` actions lies: the bytes just passed to the client.
///
/// A slice pins its whole buffer. So slices are handed out only if the payload of the read uses at least half of it;
/// else each payload is copied into a buffer of its size, and small reads cost what they carry.
struct PayloadSource {
    /// Of all `store` actions together.
    let byteCount: Int
    private let bytes: ByteBuffer
    private let keepsSlices: Bool

    /// `mayKeepSlices` is false for a buffer that will be written again.
    init(_ bytes: ByteBuffer, mayKeepSlices: Bool, _ actions: [Swarm.Action]) {
        var byteCount = 0
        for case .store(_, _, _, _, let range) in actions { byteCount += range.count }
        self.bytes = bytes
        self.byteCount = byteCount
        keepsSlices = mayKeepSlices && byteCount * 2 >= bytes.storageCapacity
    }

    /// Nil when the range is not within the bytes.
    func payload(_ range: Range<Int>) -> ByteBuffer? {
        guard let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) else {
            return nil
        }
        return keepsSlices ? slice : ByteBuffer(bytes: slice.readableBytesView)
    }
}
