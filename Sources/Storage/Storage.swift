/// The files of a torrent: the only place where names from the network become paths, and bytes become files.
///
/// `TorrentStorage` is the face: one torrent, one serial worker. Chunks go in as they arrive and in any order; pieces
/// that are whole are hashed side by side, and only then written, with one gathering write per file. Events come back
/// in batches.
///
/// - `StorageWorker` decides: what is there already (`+Opening`), what a chunk completes (`+Pieces`), what goes on
///   record (`+Checkpoints`).
/// - `PieceAssembly` is a piece in the making: its parts in memory and on disk, and how far it is hashed.
/// - `TorrentFiles` maps pieces to files and keeps few of them open; `OutputFolder` reaches them without ever following
///   a symbolic link.
/// - The part file (`TorrentFiles+Parts`, `StorageWorker+Selection`) has what pieces hold of files that are not wanted.
/// - `PathSanitizer` and `FileLayout` turn hostile names into safe and unique paths.
/// - `ResumeFile` is the head of the marker `.NAME.mainline` beside the data: it says that the data is ours to
///   overwrite. `ResumeJournal` is what follows: records of the pieces that are on disk.
/// - `Checkpoint` is a batch of verified pieces on its way to the record: its data is synchronized first.
/// - `PieceCheck` hashes what is on disk and not on record, on several threads.
/// - `Disk` and `DiskFile` are all that is asked of the system, so that tests can bring a disk that fails and forgets.
///
/// What is promised: nothing outside the output folder is touched, a file that we did not make is never changed, a
/// piece on record is on disk, and a piece reported as verified is both once `close` is done.
package struct StorageConfiguration: Hashable, Sendable {
    /// Files that are open at once; more costs descriptors of the process, fewer costs an `open` per piece and file.
    package var maxOpenFiles = 128
    /// What one unfinished piece may hold in memory before it is written early: 4 MiB hold most pieces whole.
    package var maxBufferedBytesPerPiece = 4 << 20
    /// What all unfinished pieces may hold in memory together.
    ///
    /// A driver's limit on bytes passed in and not released yet must be larger, or both wait for ever.
    package var maxBufferedBytes = 32 << 20
    /// A whole piece waits so long at most for others to be hashed side by side with.
    ///
    /// At 500 MB/s sixteen pieces of 1 MiB come in 34 ms; a wait of two round trips delays nobody. Zero: none waits.
    package var companySeconds = 0.04
    /// Verified pieces are on disk and on record after this many bytes at the latest.
    ///
    /// It bounds what a crash costs at full speed: a second or two of a fast disk. A sync costs some milliseconds and
    /// goes on beside the download, so larger batches gain nothing.
    package var checkpointBytes = 256 << 20
    /// The same for slow downloads: what the system itself waits before it looks for data to write back.
    package var checkpointSeconds = 5.0
    /// Hashes everything that is found, whatever the record says of it: for a disk that is not trusted.
    package var rechecks = false
    /// Pieces on record that are hashed at the start all the same, spread over the torrent; if one is wrong all are
    /// hashed.
    ///
    /// More takes longer, some milliseconds each; it finds a disk that was exchanged, not a changed byte.
    package var spotChecks = 8
    /// Threads that hash what is on disk, if the machine has as many processors; each holds 1 MiB.
    ///
    /// One hashes about 1 GB/s: more than four wait for the disk.
    package var checkThreads = 4

    package init() {}
}
