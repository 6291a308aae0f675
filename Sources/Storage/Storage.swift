/// The files of a torrent: the only place where names from the network become paths, and bytes become files.
///
/// `TorrentStorage` is the face: one torrent, one serial worker. Chunks go in as they arrive and in any order; a piece
/// is hashed while its bytes are hot, verified when it is whole, and only then written, with one gathering write per
/// file. Events come back in batches.
///
/// - `StorageWorker` decides: what is there already (`+Opening`), what a chunk completes (`+Pieces`).
/// - `PieceAssembly` is a piece in the making: its parts in memory and on disk, and how far it is hashed.
/// - `TorrentFiles` maps pieces to files and keeps few of them open; `OutputFolder` reaches them without ever following
///   a symbolic link.
/// - `PathSanitizer` and `FileLayout` turn hostile names into safe and unique paths.
/// - `ResumeFile` is the marker `.NAME.mainline` beside the data: it says that the data is ours to overwrite.
///
/// What is promised: nothing outside the output folder is touched, a file that we did not make is never changed, and a
/// piece reported as verified has been handed to the system, which has it on disk once `close` is done.
package struct StorageConfiguration: Hashable, Sendable {
    /// Files that are open at once; more costs descriptors of the process, fewer costs an `open` per piece and file.
    package var maxOpenFiles = 128
    /// What one unfinished piece may hold in memory before it is written early: 4 MiB hold most pieces whole.
    package var maxBufferedBytesPerPiece = 4 << 20
    /// What all unfinished pieces may hold in memory together.
    ///
    /// A driver's limit on bytes passed in and not released yet must be larger, or both wait for ever.
    package var maxBufferedBytes = 32 << 20

    package init() {}
}
