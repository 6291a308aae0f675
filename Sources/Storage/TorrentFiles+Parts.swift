import Glibc
import Metainfo

/// Files that are not wanted have parts in pieces that are: these go to the part file, so that no file comes into
/// being that nobody asked for.
///
/// In the part file a byte lies where it lies in the torrent, and what is not there is a hole. It is kept as long as
/// a file is not wanted, for its pieces are served, and the next run may want the file.
extension TorrentFiles {
    /// The part file's number, behind those of the files.
    var partFile: Int { info.files.count }

    func isPadding(_ file: Int) -> Bool { file < info.files.count && info.files[file].isPadding }

    /// Where a part of a piece lies on disk, in order; padding is among it and lies nowhere.
    func stretches(piece: Int, offset: Int, length: Int) -> [FileSpan] {
        let spans = info.spans(piece: piece, offset: offset, length: length)
        guard hasDetours else { return spans }
        return spans.map { span in
            guard isInParts(span.file) else { return span }
            return FileSpan(
                file: partFile, offset: info.files[span.file].offset + span.offset, length: span.length)
        }
    }

    /// Copies what is verified of a file out of the part file, into the file itself.
    mutating func moveOutOfParts(_ file: Int, pieces: some Sequence<Int>) throws(StorageError) {
        var bytes: [UInt8] = []
        for piece in pieces {
            for span in info.spans(piece: piece, offset: 0, length: info.length(ofPiece: piece))
            where span.file == file {
                let parts = try descriptor(for: partFile, .reading)
                do throws(SystemError) {
                    let offset = info.files[file].offset + span.offset
                    bytes = try parts.read(at: offset, count: span.length)
                    // It was verified, so somebody has cut the part file short.
                    guard bytes.count == span.length else { throw SystemError(code: EIO) }
                } catch {
                    throw StorageError(error, path: pathText(ofFile: partFile))
                }
                let target = try descriptor(for: file, .writing)
                markDirty(file)
                do {
                    try target.write(bytes, at: span.offset)
                } catch {
                    throw StorageError(error, path: pathText(ofFile: file))
                }
            }
        }
        setInParts(file, false)
    }

    /// Removes the part file, once no file has bytes in it.
    mutating func removeParts() throws(StorageError) {
        guard let root = try folder.open(creating: false) else { return }
        forget(partFile)
        do {
            try root.unlink(ResumeFile.partsName(for: info))
        } catch {
            if error.code != ENOENT { throw StorageError(error, path: pathText(ofFile: partFile)) }
        }
    }
}
