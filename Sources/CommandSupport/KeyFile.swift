import Glibc
import Primitives

/// The secret of a mutable item's owner in a file of 64 hexadecimal digits, readable to its owner alone.
package enum KeyFile {
    package enum Failure: Error, Equatable {
        /// Not 64 hexadecimal digits, with blanks around them at most.
        case noKey
        /// Others may read it.
        case notPrivate
        case file(FileContents.Failure)
    }

    private static let seedByteCount = 32
    private static let limitBytes = 4096

    /// The seed of 32 bytes in the file, which is made with a random one if it is not there.
    package static func seed(_ path: String) throws(Failure) -> (bytes: [UInt8], isNew: Bool) {
        let contents: [UInt8]
        do {
            contents = try FileContents.read(path, limitBytes: limitBytes)
        } catch .noSuchFile {
            return (try make(path), true)
        } catch {
            throw .file(error)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file(.system(errno: errno)) }
        guard status.st_mode & (S_IRWXG | S_IRWXO) == 0 else { throw .notPrivate }
        let text = String(decoding: contents, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard text.count == 1, let seed = Hex.decode(text[0]), seed.count == seedByteCount else { throw .noKey }
        return (seed, false)
    }

    private static func make(_ path: String) throws(Failure) -> [UInt8] {
        var system = SystemRandomNumberGenerator()
        let seed = (0..<seedByteCount).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(.system(errno: errno)) }
        defer { close(descriptor) }
        let text = Array((Hex.encode(seed) + "\n").utf8)
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
            let code = errno
            // A key that is there in part would be taken for the whole another time.
            unlink(path)
            throw .file(.system(errno: code))
        }
        return seed
    }
}
