import CommandSupport
import Glibc
import Metainfo

/// A file on disk, hashed: its folder, and the info dictionary that names it.
struct SeedFile {
    let directory: String
    let info: Info

    struct Failure: Error, CustomStringConvertible {
        let exit: ProgramExit
        let description: String
    }

    /// Reads and hashes the whole file.
    init(_ path: String, pieceLength: Int?) throws(Failure) {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let slash = trimmed.lastIndex(of: "/")
        directory = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        let name = String(trimmed[(slash.map { trimmed.index(after: $0) } ?? trimmed.startIndex)...])
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(exit: .usage, description: "\(path) is not a file")
        }
        let builder = InfoBuilder(name: name, length: Int(status.st_size), pieceLength: pieceLength)
        var hasher = PieceHasher(pieceLength: builder.pieceLength)
        try Self.read(descriptor, path, into: &hasher)
        do {
            info = try builder.info(pieceHashes: hasher.finish())
        } catch {
            throw Failure(exit: .badContent, description: "\(path): \(error)")
        }
    }

    private static func read(_ descriptor: CInt, _ path: String, into hasher: inout PieceHasher) throws(Failure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            if count > 0 {
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
            } else if errno != EINTR {
                throw failure(path)
            }
        }
    }

    private static func failure(_ path: String) -> Failure {
        Failure(exit: errno == ENOENT ? .usage : .disk, description: "\(path): \(String(cString: strerror(errno)))")
    }
}
