import NIOCore

/// Joins the reads of one connection: what the reader left of one read is completed from the next.
///
/// Only a message cut by the end of a read is copied, and no more of the next read than it takes to complete it: the
/// payload behind it is consumed where it arrived.
struct PeerStream {
    /// More than any message that a session accepts; whoever lets more pile up has broken the contract.
    static let heldBytesMax = 4 << 20
    /// How much of a read is lent to the held bytes at first: what completes most heads and small messages.
    private static let firstLoan = 64
    /// A larger buffer is given back once it is empty.
    private static let keptCapacity = 4_096

    /// The unconsumed end of the reads so far.
    private var held = ByteBuffer()

    var heldBytes: Int { held.readableBytes }

    /// Shows `consume` the held bytes and then the read, until all is consumed or it takes no more.
    ///
    /// `consume` says how many bytes it took from the front, and is told whether they lie in the read itself, so that
    /// slices may be kept, or in the small buffer of held bytes, which is reused. It says nil to stop for good.
    mutating func feed(_ read: ByteBuffer, consume: (ByteBuffer, _ isRead: Bool) -> Int?) {
        var rest = read
        guard complete(from: &rest, consume) else { return }
        while rest.readableBytes > 0 {
            guard let count = consume(rest, true) else { return }
            guard count > 0 else { break }
            rest.moveReaderIndex(forwardBy: count)
        }
        held.writeBuffer(&rest)
    }

    /// Lends the held bytes more and more of `rest` until they are consumed; false when the reader has stopped.
    private mutating func complete(from rest: inout ByteBuffer, _ consume: (ByteBuffer, Bool) -> Int?) -> Bool {
        var loan = Self.firstLoan
        while held.readableBytes > 0, rest.readableBytes > 0 {
            let before = held.readableBytes
            let lent = min(loan, rest.readableBytes)
            held.writeBytes(rest.readableBytesView.prefix(lent))
            guard let count = consume(held, false) else { return false }
            if count >= before {
                rest.moveReaderIndex(forwardBy: count - before)
                held = held.capacity > Self.keptCapacity ? ByteBuffer() : emptied(held)
            } else {
                held.moveReaderIndex(forwardBy: count)
                held.discardReadBytes()
                rest.moveReaderIndex(forwardBy: lent)
                loan *= 4
            }
        }
        return true
    }

    private func emptied(_ buffer: consuming ByteBuffer) -> ByteBuffer {
        buffer.clear()
        return buffer
    }
}
