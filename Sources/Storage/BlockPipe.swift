import CShims
import Glibc
package import NIOCore
import Synchronization

/// A pipe of the system that carries blocks from files to a socket as pages, which nobody copies.
///
/// A storage fills it, where reading may wait for the disk: what is in the pipe is in memory, and stays what it is when
/// the file is cut short. The owner of the socket empties it. Its pool gets it back when nobody holds it any more.
package final class BlockPipe: Sendable {
    fileprivate let ends: PipeEnds
    private let pool: BlockPipePool
    private let held = Atomic(0)

    fileprivate init(_ ends: PipeEnds, pool: BlockPipePool) {
        self.ends = ends
        self.pool = pool
    }

    deinit {
        pool.takeBack(ends)
    }

    /// What is in it and may be sent.
    package var byteCount: Int { held.load(ordering: .acquiring) }

    var writeEnd: Int32 { ends.write }

    /// Puts bytes of `HeadPages` into it; false when there is no room.
    func lend(_ bytes: Slice<UnsafeMutableRawBufferPointer>) -> Bool {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes)
        return bytes.isEmpty || mainline_pipe_lend(ends.write, bytes.baseAddress, bytes.count)
    }

    func filled(_ byteCount: Int) { held.store(byteCount, ordering: .releasing) }

    /// Moves on what `socket`, which must not block, takes now; returns how much is left.
    ///
    /// A socket that has failed takes nothing: whoever writes to it learns why.
    package func send(to socket: Int32) -> Int {
        let moved = mainline_splice(ends.read, -1, socket, byteCount)
        return moved > 0 ? taken(moved) : byteCount
    }

    /// Copies the next bytes out of it, at most `count`.
    package func read(_ count: Int) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            let room = min(memory.count, count, byteCount)
            return max(0, Glibc.read(ends.read, memory.baseAddress, room))
        }
        _ = taken(buffer.readableBytes)
        return buffer
    }

    private func taken(_ count: Int) -> Int {
        held.subtract(count, ordering: .acquiringAndReleasing).newValue
    }
}

/// Pipes for blocks, as many as may be open at once.
package final class BlockPipePool: Sendable {
    /// Sixteen blocks of 16 KiB: a page for the head of each, and five for itself where no page begins with it.
    ///
    /// A pipe holds so many pages, however much of each is used.
    static let pipeBytes = 128 * Int(getpagesize())
    /// Pipes that are kept for the next: their room counts for the user, of whom the system allows 64 MiB.
    static let sparesMax = 8
    /// A system that gives no pipe is not asked again for so many blocks.
    private static let refusalPause = 1_000
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var spare: [PipeEnds] = []
        /// Those that are spare, and those that somebody holds.
        var openCount = 0
        /// How often `take` fails before it asks the system again.
        var pause = 0
    }

    /// Each open pipe is two descriptors.
    package init(limit: Int) {
        self.limit = limit
    }

    deinit {
        state.withLock { state in for ends in state.spare { ends.close() } }
    }

    package var openCount: Int { state.withLock { $0.openCount } }

    /// An empty pipe; nil when all are in use, or the system has none to give.
    package func take() -> BlockPipe? {
        let ends: PipeEnds? = state.withLock { state in
            if let ends = state.spare.popLast() { return ends }
            guard state.openCount < limit else { return nil }
            guard state.pause == 0 else {
                state.pause -= 1
                return nil
            }
            let ends = PipeEnds(room: Self.pipeBytes)
            if ends != nil { state.openCount += 1 } else { state.pause = Self.refusalPause }
            return ends
        }
        return ends.map { BlockPipe($0, pool: self) }
    }

    /// One with something in it is of no use to the next.
    fileprivate func takeBack(_ ends: PipeEnds) {
        let isEmpty = mainline_pipe_held(ends.read) == 0
        let isKept = state.withLock { state in
            let isKept = isEmpty && state.spare.count < Self.sparesMax
            if isKept { state.spare.append(ends) } else { state.openCount -= 1 }
            return isKept
        }
        if !isKept { ends.close() }
    }
}

/// Memory for the heads of blocks, lent to pipes and never written twice: a page that is left lives as long as a socket
/// has to send from it.
final class HeadPages {
    private static let byteCount = 64 << 10
    private var start: UnsafeMutableRawPointer?
    private var used = 0

    deinit {
        if let start { mainline_pages_unmap(start, Self.byteCount) }
    }

    /// Keeps `heads` together for good; nil when there is no memory for them.
    func keep(_ heads: [UInt8]) -> UnsafeMutableRawBufferPointer? {
        guard heads.count <= Self.byteCount else { return nil }
        if start == nil || used + heads.count > Self.byteCount {
            if let start { mainline_pages_unmap(start, Self.byteCount) }
            start = mainline_pages_map(Self.byteCount)
            used = 0
        }
        guard let start else { return nil }
        let room = UnsafeMutableRawBufferPointer(start: start + used, count: heads.count)
        room.copyBytes(from: heads)
        used += heads.count
        return room
    }
}

private struct PipeEnds {
    let read: Int32
    let write: Int32

    /// Nil when the system gives no pipe, or not the room that is wanted.
    init?(room: Int) {
        var ends: [Int32] = [-1, -1]
        let given = mainline_pipe_open(&ends, Int32(room))
        (read, write) = (ends[0], ends[1])
        guard given >= 0 else { return nil }
        guard given >= room else {
            close()
            return nil
        }
    }

    func close() {
        Glibc.close(read)
        Glibc.close(write)
    }
}
