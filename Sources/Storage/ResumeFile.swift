import Digest
package import Metainfo
import Primitives

/// The marker `.NAME.mainline` beside the data: the data is ours, this is its info dictionary, and these pieces of it
/// are on disk.
///
/// Its head: 8 bytes `mainline`, version (4 bytes, big-endian), infohash (20), length of the dictionary (4), the
/// dictionary, and the SHA-1 of everything before (20). Version 1 ends here; in version 2 records follow, see
/// `JournalRecord`. This type is the head.
package struct ResumeFile: Hashable, Sendable {
    package let info: Info

    package init(info: Info) {
        self.info = info
    }

    package enum Failure: Error, Hashable, Sendable {
        /// Too short, too long, or without the first 8 bytes.
        case notAResumeFile
        case unknownVersion(UInt32)
        /// The checksum or the infohash does not match.
        case damaged
        case metainfo(MetainfoError)
    }

    /// Reads a head, of either version, and leaves what follows alone.
    package init(bytes: [UInt8]) throws(Failure) {
        let header = try Header(bytes.span.bytes)
        let end = Header.byteCount + header.infoLength
        guard bytes.count >= end + ID160.byteCount, header.hasRecords || bytes.count == end + ID160.byteCount else {
            throw .notAResumeFile
        }
        guard SHA1.hash(bytes.span.bytes.extracting(0..<end)) == ID160(bytes.span.bytes, at: end) else {
            throw .damaged
        }
        do {
            info = try Info(bytes: Array(bytes[Header.byteCount..<end]))
        } catch {
            throw .metainfo(error)
        }
        guard info.infoHash == header.infoHash else { throw .damaged }
    }

    /// How many bytes the head has.
    var byteCount: Int { Header.byteCount + info.bytes.count + ID160.byteCount }

    /// A head of the newest version.
    package func encoded() -> [UInt8] {
        var bytes = Array(Header.magic)
        bytes.reserveCapacity(Header.byteCount + info.bytes.count + ID160.byteCount)
        bytes.appendBigEndian(Header.version)
        info.infoHash.append(to: &bytes)
        bytes.appendBigEndian(UInt32(info.bytes.count))
        bytes += info.bytes
        SHA1.hash(bytes).append(to: &bytes)
        return bytes
    }

    /// The marker's name in the output folder; bounded, and distinct for torrents whose long names begin alike.
    package static func name(for info: Info) -> String {
        let name = FileLayout.name(for: info)
        let maxBytes = PathSanitizer.maxComponentBytes - 1 - suffix.utf8.count - partsSuffix.utf8.count
        let short =
            name.utf8.count <= maxBytes
            ? name : PathSanitizer.shorten(name, to: maxBytes, inserting: "-\(info.infoHash.hex.prefix(16))")
        return ".\(short)\(suffix)"
    }

    /// The name of the part file, which is beside the marker: bytes of files that are not wanted, in pieces that are.
    package static func partsName(for info: Info) -> String { name(for: info) + partsSuffix }

    static let suffix = ".mainline"
    static let partsSuffix = ".parts"
    static let temporarySuffix = ".tmp"
    static let maxBytes = Header.byteCount + MetainfoLimits.infoBytes + ID160.byteCount + ResumeJournal.recordBytesMax

    /// Whether a name is one that markers have: no torrent may bring a file of its own under it.
    static func isReserved(_ name: String) -> Bool {
        name.hasPrefix(".") && ["", temporarySuffix, partsSuffix].contains { name.hasSuffix(suffix + $0) }
    }

    /// What comes before the dictionary.
    struct Header {
        static let magic = "mainline".utf8
        static let version: UInt32 = 2
        /// Has no records.
        static let firstVersion: UInt32 = 1
        static let byteCount = 36

        let hasRecords: Bool
        let infoHash: InfoHash
        let infoLength: Int

        init(_ bytes: RawSpan) throws(Failure) {
            guard bytes.byteCount >= Header.byteCount, bytes.copy(0..<8).elementsEqual(Header.magic) else {
                throw .notAResumeFile
            }
            let version = bytes.bigEndian(at: 8, as: UInt32.self)
            guard version == Header.version || version == Header.firstVersion else { throw .unknownVersion(version) }
            hasRecords = version == Header.version
            infoHash = ID160(bytes, at: 12)
            infoLength = Int(bytes.bigEndian(at: 32, as: UInt32.self))
        }
    }
}
