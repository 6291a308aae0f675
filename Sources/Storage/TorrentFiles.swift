import Glibc
import Metainfo

/// The files of one torrent, as one row of pieces.
///
/// Files are opened when they are needed and closed when others are needed more. A file comes into being, in its full
/// length and without data (sparse), with its first write.
struct TorrentFiles {
    let info: Info
    let layout: FileLayout
    var folder: OutputFolder
    private let maxOpenFiles: Int
    private var slots: [Int: Slot] = [:]
    /// A clock for `Slot.lastUse`.
    private var useCount = 0
    /// Of each file, and of the part file.
    private var states: [State]
    /// Some bytes are not in the files of the torrent: padding, and files that are not wanted.
    var hasDetours: Bool
    /// Kept from write to write, to save the allocation.
    private var vectors: [iovec] = []

    private struct Slot {
        let descriptor: any DiskFile
        let isWritable: Bool
        var lastUse: Int
    }

    private struct State: OptionSet, Sendable {
        let rawValue: UInt8
        /// Was there when we came, or was made by us.
        static let exists = State(rawValue: 1)
        /// Has the length that it must have.
        static let sized = State(rawValue: 2)
        /// Was written, or has parts that an earlier run may have left unsynchronized.
        static let dirty = State(rawValue: 4)
        /// Its folder knows of it.
        static let noted = State(rawValue: 8)
        /// Its bytes are in the part file.
        static let inParts = State(rawValue: 16)
    }

    enum Access {
        case reading
        case writing
        /// The next write gives the file its length, where it has none yet.
        case writingWhole
    }

    init(info: Info, directory: String, maxOpenFiles: Int, disk: any Disk) {
        self.init(
            info: info, layout: FileLayout(info: info), directory: directory, maxOpenFiles: maxOpenFiles, disk: disk)
    }

    private init(info: Info, layout: FileLayout, directory: String, maxOpenFiles: Int, disk: any Disk) {
        self.info = info
        self.layout = layout
        folder = OutputFolder(path: directory, disk: disk)
        self.maxOpenFiles = max(1, maxOpenFiles)
        states = Array(repeating: [], count: info.files.count + 1)
        hasDetours = info.files.contains(where: \.isPadding)
    }

    var openFileCount: Int { slots.count }

    func pathText(ofFile file: Int) -> String { folder.text(path(ofFile: file)) }

    private func path(ofFile file: Int) -> [String] {
        file == partFile ? [ResumeFile.partsName(for: info)] : layout.path(ofFile: file)
    }

    /// Makes copies for other threads: the same files, opened anew by each.
    func copies(maxOpenFiles: Int, disk: any Disk) -> @Sendable () -> TorrentFiles {
        { [info, layout, path = folder.path, states, hasDetours] in
            var copy = TorrentFiles(
                info: info, layout: layout, directory: path, maxOpenFiles: maxOpenFiles, disk: disk)
            copy.states = states
            copy.hasDetours = hasDetours
            return copy
        }
    }

    /// The length of a file on disk; nil when there is none, an error when something else has its name.
    mutating func size(ofFile file: Int) throws(StorageError) -> Int? { try stamp(ofFile: file)?.size }

    /// As `size`, and when it was changed.
    mutating func stamp(ofFile file: Int) throws(StorageError) -> FileStamp? {
        switch try folder.status(of: path(ofFile: file)) {
        case nil: return nil
        case .regular(let stamp)?:
            states[file].insert(.exists)
            return stamp
        case .directory?: throw .foreignFile(path: pathText(ofFile: file))
        case .symbolicLink?, .special?: throw .unsafePath(path: pathText(ofFile: file))
        }
    }

    /// Makes a file that is not there, for those that no write ever makes: the empty ones.
    mutating func create(file: Int) throws(StorageError) {
        _ = try descriptor(for: file, .writing)
        markDirty(file)
    }

    /// To be synchronized with the next batch, and with it the names on the way to it.
    mutating func markDirty(_ file: Int) {
        states[file].insert(.dirty)
        guard states[file].insert(.noted).inserted else { return }
        folder.noteEntries(to: path(ofFile: file))
    }

    /// As if a piece had just been written: an earlier run may have been killed before it was on disk.
    mutating func markDirty(piece: Int) {
        for span in stretches(piece: piece, offset: 0, length: info.length(ofPiece: piece))
        where !isPadding(span.file) { markDirty(span.file) }
    }

    /// Whether a part of a file was never written, as far as the file system can tell.
    mutating func isHole(_ span: FileSpan) throws(StorageError) -> Bool {
        if isPadding(span.file) { return true }
        let descriptor = try descriptor(for: span.file, .reading)
        do {
            guard let data = try descriptor.nextData(from: span.offset) else { return true }
            return data >= span.offset + span.length
        } catch {
            throw StorageError(error, path: pathText(ofFile: span.file))
        }
    }

    /// Reads a part of a piece; false when a file ends too early.
    mutating func read(
        piece: Int, offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Bool {
        var position = 0
        for span in stretches(piece: piece, offset: offset, length: buffer.count) {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + span.length])
            position += span.length
            guard !isPadding(span.file) else {
                part.initializeMemory(as: UInt8.self, repeating: 0)
                continue
            }
            let descriptor = try descriptor(for: span.file, .reading)
            do {
                guard try descriptor.read(at: span.offset, into: part) == span.length else { return false }
            } catch {
                throw StorageError(error, path: pathText(ofFile: span.file))
            }
        }
        return true
    }

    func hasPadding(piece: Int, offset: Int, length: Int) -> Bool {
        stretches(piece: piece, offset: offset, length: length).contains { isPadding($0.file) }
    }

    /// Moves a part of a piece into a pipe without copying it; false when a file ends too early, or padding is in it.
    mutating func pass(piece: Int, offset: Int, length: Int, to pipe: Int32) throws(StorageError) -> Bool {
        for span in stretches(piece: piece, offset: offset, length: length) {
            guard !isPadding(span.file) else { return false }
            let descriptor = try descriptor(for: span.file, .reading)
            do {
                guard try descriptor.pass(at: span.offset, count: span.length, to: pipe) == span.length else {
                    return false
                }
            } catch {
                throw StorageError(error, path: pathText(ofFile: span.file))
            }
        }
        return true
    }

    /// Writes parts of a piece that follow each other without a gap: one gathering write per file.
    mutating func write(piece: Int, _ parts: ArraySlice<PieceAssembly.Part>) throws(StorageError) {
        guard let first = parts.first, let last = parts.last else { return }
        var part = parts.startIndex
        var offset = first.offset
        for span in stretches(piece: piece, offset: offset, length: last.end - first.offset) {
            let end = offset + span.length
            vectors.removeAll(keepingCapacity: true)
            while offset < end {
                let taken = min(end, parts[part].end) - offset
                vectors.append(parts[part].vector(from: offset, length: taken))
                offset += taken
                if offset == parts[part].end { part += 1 }
            }
            let isWhole = span.file != partFile && span.length == info.files[span.file].length
            let descriptor = try descriptor(for: span.file, isWhole ? .writingWhole : .writing)
            markDirty(span.file)
            do {
                try descriptor.write(&vectors, at: span.offset)
            } catch {
                throw StorageError(error, path: pathText(ofFile: span.file))
            }
        }
        // The vectors point into buffers that only `parts` keeps alive.
        withExtendedLifetime(parts) {}
    }

    /// What must be synchronized so that everything written so far is on disk; it counts as clean from now on.
    mutating func takeUnsynchronized() throws(StorageError) -> Unsynchronized {
        var work = Unsynchronized(files: states.indices.filter { states[$0].contains(.dirty) })
        guard work.files.count + folder.unsafeFolderCount <= TorrentFiles.maxSynchronizedOneByOne else {
            work.fileSystem = try folder.open(creating: false)
            folder.forgetUnsafeFolders()
            for file in work.files { states[file].remove(.dirty) }
            return work
        }
        for file in work.files { work.data.append(try descriptor(for: file, .writing)) }
        work.folders = try folder.takeUnsafeFolders()
        // Not before all of it is in hand: what could not be opened is still to be synchronized.
        for file in work.files { states[file].remove(.dirty) }
        return work
    }

    /// Each waits for the disk, some milliseconds; more files than these wait for the whole file system once.
    private static let maxSynchronizedOneByOne = 16

    mutating func descriptor(for file: Int, _ access: Access) throws(StorageError) -> any DiskFile {
        useCount += 1
        if var slot = slots[file], slot.isWritable || access == .reading {
            slot.lastUse = useCount
            slots[file] = slot
            return slot.descriptor
        }
        slots[file] = nil
        if slots.count >= maxOpenFiles, let oldest = slots.min(by: { $0.value.lastUse < $1.value.lastUse })?.key {
            slots[oldest] = nil
        }
        let descriptor = try open(file, access)
        slots[file] = Slot(descriptor: descriptor, isWritable: access != .reading, lastUse: useCount)
        return descriptor
    }

    func isInParts(_ file: Int) -> Bool { states[file].contains(.inParts) }

    mutating func setInParts(_ file: Int, _ isInParts: Bool) {
        if isInParts { states[file].insert(.inParts) } else { states[file].remove(.inParts) }
        if isInParts { hasDetours = true }
    }

    var haveParts: Bool { states[partFile].contains(.exists) }

    /// Nothing is known of a file any more.
    mutating func forget(_ file: Int) {
        slots[file] = nil
        states[file] = []
    }

    private mutating func open(_ file: Int, _ access: Access) throws(StorageError) -> any DiskFile {
        let path = path(ofFile: file)
        guard access != .reading else { return try folder.openFile(path, flags: O_RDONLY) }
        // Exclusively: what appeared since we looked is not ours.
        let creation = states[file].contains(.exists) ? 0 : O_CREAT | O_EXCL
        let isExecutable = file != partFile && info.files[file].attributes.contains(.executable)
        let descriptor = try folder.openFile(path, flags: O_RDWR | creation, isExecutable: isExecutable)
        states[file].insert(.exists)
        guard file != partFile, !states[file].contains(.sized) else { return descriptor }
        do throws(SystemError) {
            let size = creation == 0 ? try regularSize(of: descriptor) : 0
            let isLeftToWrite = access == .writingWhole && size == 0
            if size != info.files[file].length, !isLeftToWrite {
                try descriptor.truncate(to: info.files[file].length)
            }
        } catch {
            throw StorageError(error, path: pathText(ofFile: file))
        }
        states[file].insert(.sized)
        return descriptor
    }

    private func regularSize(of descriptor: any DiskFile) throws(SystemError) -> Int {
        guard case .regular(let stamp) = try descriptor.status() else { throw SystemError(code: ELOOP) }
        return stamp.size
    }
}
