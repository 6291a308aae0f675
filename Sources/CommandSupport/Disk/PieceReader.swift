import Glibc
import Metainfo
import Primitives

/// One thread's way through the files: an open file, a buffer, and the hash of the piece at hand.
struct PieceReader: ~Copyable {
    private static let bufferBytes = 256 << 10

    private let info: Info
    private let paths: [String]
    private var buffer = [UInt8](repeating: 0, count: PieceReader.bufferBytes)
    private var open: (file: Int, descriptor: CInt)?

    init(_ info: Info, _ paths: [String]) {
        self.info = info
        self.paths = paths
    }

    deinit {
        if let open { close(open.descriptor) }
    }

    /// The hash of a piece, or why there is none; nil when `goesOn`, told of the bytes as they are read, says no.
    mutating func hash(_ piece: Int, goesOn: (Int) -> Bool) -> DiskHasher.Finding? {
        var hasher = PieceHasher(pieceLength: info.pieceLength)
        let length = info.length(ofPiece: piece)
        var done = 0
        for span in info.spans(piece: piece, offset: 0, length: length) {
            if info.files[span.file].isPadding {
                hasher.update(zeros: span.length)
                done += span.length
                guard goesOn(span.length) else { return nil }
                continue
            }
            let descriptor: CInt
            switch descriptorOf(span.file) {
            case .success(let number): descriptor = number
            case .failure(let error): return goesOn(length - done) ? .failed(file: span.file, errno: error.code) : nil
            }
            var offset = 0
            while offset < span.length {
                let wanted = min(buffer.count, span.length - offset)
                let count = buffer.withUnsafeMutableBytes { bytes in
                    pread(descriptor, bytes.baseAddress, wanted, span.offset + offset)
                }
                if count < 0, errno == EINTR { continue }
                if count < 0 {
                    let code = errno
                    return goesOn(length - done) ? .failed(file: span.file, errno: code) : nil
                }
                if count == 0 { return goesOn(length - done) ? .endsEarly(file: span.file) : nil }
                hasher.update(buffer.span.bytes.extracting(0..<count))
                offset += count
                done += count
                guard goesOn(count) else { return nil }
            }
        }
        return hasher.finish().first.map { .hash($0) }
    }

    private struct OpenError: Error { let code: CInt }

    private mutating func descriptorOf(_ file: Int) -> Result<CInt, OpenError> {
        if let open {
            if open.file == file { return .success(open.descriptor) }
            close(open.descriptor)
        }
        open = nil
        // Whatever took a file's place since it was looked at: neither a link nor a pipe is waited for.
        let descriptor = Glibc.open(paths[file], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(OpenError(code: errno)) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return .failure(OpenError(code: EINVAL))
        }
        open = (file, descriptor)
        return .success(descriptor)
    }
}
