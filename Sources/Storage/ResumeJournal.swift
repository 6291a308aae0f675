import Glibc
import Metainfo
import Primitives

/// The open marker with its records: what is on disk for certain.
///
/// It holds the lock on the data as long as it is kept.
/// Records are appended and synchronized one by one, each after the data that it speaks of. Of a file found, everything
/// behind the first record that is not whole is ignored, and gone with the next rewriting.
struct ResumeJournal {
    let info: Info
    /// The pieces on record.
    private(set) var pieces: Bitfield
    /// How files looked when pieces of them were last recorded.
    private(set) var stamps: [Int: FileStamp] = [:]
    /// Must be written anew before anything is appended: an older version, or with an end that is torn or damaged.
    private(set) var mustRewrite = false
    /// False once something failed, and where the marker may only be read.
    private(set) var isWritable = true
    private let name: String
    private let file: any DiskFile
    /// The marker that this one took the place of: whoever has opened it must not get its lock.
    private var replaced: (any DiskFile)?
    private var end: Int
    private var chain: ID160
    /// What the records had when they were last written anew.
    private var compactBytes = 0

    /// Several times what the records of the largest torrent need when they are written at once.
    static let recordBytesMax = 96 << 20
    /// How often all pieces may be named: a journal of millions of records must not take hours to read.
    private static let repetitionMax = 16
    /// Until the journal is this much longer than need be, nothing is gained by writing it anew.
    private static let slackBytes = 4 << 20

    /// Reads an open marker; nil when it is none, or another torrent's.
    init?(_ file: any DiskFile, named name: String, info: Info) throws(SystemError) {
        guard case .regular(let stamp) = try file.status(), stamp.size <= ResumeFile.maxBytes else { return nil }
        let bytes = try file.read(at: 0, count: stamp.size)
        guard let head = try? ResumeFile(bytes: bytes), head.info == info,
            let header = try? ResumeFile.Header(bytes.span.bytes)
        else { return nil }
        self.init(file, name: name, info: info)
        // The head's own checksum begins the chain.
        chain = ID160(bytes.span.bytes, at: end - ID160.byteCount)
        var namedPieces = 0
        while end < bytes.count, let record = JournalRecord(bytes.span.bytes, at: end, chain: chain, info: info) {
            namedPieces += record.pieceCount
            guard namedPieces <= Self.repetitionMax * info.pieceCount else { break }
            let length = Int(bytes.span.bytes.bigEndian(at: end, as: UInt32.self))
            end += 4 + length + ID160.byteCount
            chain = ID160(bytes.span.bytes, at: end - ID160.byteCount)
            note(record)
        }
        let isRepetitive = namedPieces > Self.repetitionMax / 4 * info.pieceCount
        mustRewrite = end < bytes.count || !header.hasRecords || isRepetitive || isLong
    }

    private init(_ file: any DiskFile, name: String, info: Info) {
        self.info = info
        self.name = name
        self.file = file
        end = ResumeFile(info: info).byteCount
        chain = .zero
        pieces = Bitfield(count: info.pieceCount)
    }

    /// Puts a new marker into a folder, all of it or nothing, on disk before this returns; nil when somebody else has
    /// the lock.
    static func create(info: Info, in folder: any DiskFile) throws(SystemError) -> ResumeJournal? {
        let name = ResumeFile.name(for: info)
        let head = ResumeFile(info: info).encoded()
        guard let file = try ResumeFile.write(head, named: name, in: folder) else { return nil }
        var journal = ResumeJournal(file, name: name, info: info)
        journal.chain = ID160(head.span.bytes, at: head.count - ID160.byteCount)
        return journal
    }

    /// What is not recorded now never is, in this run.
    mutating func stop() {
        isWritable = false
    }

    /// Adds to the record what must be on disk already; on disk itself before this returns.
    mutating func append(pieces: [Int], stamps: [(file: Int, stamp: FileStamp)]) throws(SystemError) {
        let record = JournalRecord(pieces: pieces.sorted(), stamps: stamps)
        let encoded = record.encoded(after: chain)
        do throws(SystemError) {
            try file.write(encoded.bytes, at: end)
            try file.synchronizeData()
        } catch {
            // Best without a torn end, and no worse with one.
            try? file.truncate(to: end)
            throw error
        }
        end += encoded.bytes.count
        chain = encoded.chain
        note(record)
    }

    /// Whether the records have grown so much that they should be written anew.
    var isLong: Bool {
        end - ResumeFile(info: info).byteCount > Self.slackBytes + 2 * compactBytes
    }

    /// Writes everything anew, without the pieces that are not in `keeping`.
    mutating func rewrite(keeping: Bitfield, in folder: any DiskFile) throws(SystemError) {
        var bytes = ResumeFile(info: info).encoded()
        let kept = pieces.setIndices.filter { keeping[$0] }
        let newest = stamps.sorted { $0.key < $1.key }.map { (file: $0.key, stamp: $0.value) }
        let record = JournalRecord(pieces: kept, stamps: newest)
        let encoded = record.encoded(after: ID160(bytes.span.bytes, at: bytes.count - ID160.byteCount))
        bytes += encoded.bytes
        guard let file = try ResumeFile.write(bytes, named: name, in: folder) else { throw SystemError(code: EBUSY) }
        var journal = ResumeJournal(file, name: name, info: info)
        journal.replaced = replaced ?? self.file
        journal.end = bytes.count
        journal.chain = encoded.chain
        journal.compactBytes = encoded.bytes.count
        journal.note(record)
        self = journal
    }

    private mutating func note(_ record: JournalRecord) {
        for run in record.runs {
            for piece in run { pieces[piece] = true }
        }
        for (file, stamp) in record.stamps { stamps[file] = stamp }
    }
}
