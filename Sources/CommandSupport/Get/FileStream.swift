import Dispatch
import Glibc
package import Metainfo
import Primitives
import Storage
import Synchronization

/// One file of a torrent on its way to standard output: in order, and each byte only when its piece is verified.
///
/// The bytes are read back from the disk, where the storage has just written them, through one buffer: a slow reader
/// slows nothing but itself, and no memory fills up.
package final class FileStream: Sendable {
    /// How it ended; told once.
    package enum Ending: Equatable, Sendable {
        case complete
        /// Nobody reads standard output any more.
        case readerGone
        case failed(errno: CInt)
    }

    private static let bufferBytes = 256 << 10

    private let info: Info
    private let file: Info.File
    private let path: String
    private let output: CInt
    private let report: @Sendable (Ending) -> Void
    private let queue = DispatchQueue(label: "mainline.stream")
    private let state: Mutex<State>

    private struct State {
        var verified: Bitfield
        /// The first piece of the file that is not verified.
        var frontier: Int
        var position = 0
        var descriptor: CInt = -1
        var isOver = false
    }

    /// `directory` is where the torrent is being written.
    package init(
        _ info: Info, file: Int, in directory: String, output: CInt = STDOUT_FILENO,
        report: @escaping @Sendable (Ending) -> Void
    ) {
        self.info = info
        self.file = info.files[file]
        path = DiskPaths.of(info, in: directory)[file]
        self.output = output
        self.report = report
        state = Mutex(
            State(verified: Bitfield(count: info.pieceCount), frontier: info.files[file].offset / info.pieceLength))
        if self.file.length == 0 { queue.async { self.pump() } }
    }

    /// These pieces are verified, and on disk.
    package func verified(_ pieces: some Sequence<Int>) {
        let isNews = state.withLock { state in
            let before = state.frontier
            for piece in pieces { state.verified[piece] = true }
            while state.frontier < info.pieceCount, state.verified[state.frontier] { state.frontier += 1 }
            return state.frontier > before
        }
        if isNews { queue.async { self.pump() } }
    }

    /// Writes no more than what it is at.
    package func cancel() {
        state.withLock { $0.isOver = true }
    }

    /// Writes what is verified; only ever on the queue.
    private func pump() {
        var buffer = [UInt8](repeating: 0, count: min(Self.bufferBytes, max(1, file.length)))
        while let range = next() {
            if range.isEmpty { return end(.complete) }
            let count = read(range, into: &buffer)
            // Shorter than it was: somebody else is at it.
            guard count > 0 else { return end(.failed(errno: count == 0 ? EIO : errno)) }
            guard write(buffer[..<count]) else { return end(errno == EPIPE ? .readerGone : .failed(errno: errno)) }
            state.withLock { $0.position += count }
        }
    }

    /// Empty when all is written, nil when there is nothing to do now.
    private func next() -> Range<Int>? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            let end = min(file.length, state.frontier * info.pieceLength - file.offset)
            guard state.position < end else { return state.position == file.length ? end..<end : nil }
            return state.position..<min(end, state.position + Self.bufferBytes)
        }
    }

    private func read(_ range: Range<Int>, into buffer: inout [UInt8]) -> Int {
        var descriptor = state.withLock { $0.descriptor }
        if descriptor < 0 {
            descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { return -1 }
            state.withLock { [descriptor] in $0.descriptor = descriptor }
        }
        while true {
            let count = pread(descriptor, &buffer, range.count, range.lowerBound)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// False when it could not, for a reason in `errno`.
    private func write(_ bytes: ArraySlice<UInt8>) -> Bool {
        var left = bytes
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count >= 0 {
                left = left.dropFirst(count)
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    private func end(_ ending: Ending) {
        let (isNews, descriptor) = state.withLock { state in
            defer { (state.isOver, state.descriptor) = (true, -1) }
            return (!state.isOver, state.descriptor)
        }
        if descriptor >= 0 { close(descriptor) }
        if isNews { report(ending) }
    }
}
