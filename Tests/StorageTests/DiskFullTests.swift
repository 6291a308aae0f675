import Foundation
import Metainfo
import NIOCore
import Primitives
import Storage
import Testing

/// A file system of its own on a folder, for as long as it is kept.
final class MountedFolder: Sendable {
    let folder = TemporaryFolder()

    /// Returns nil where mounting is not permitted.
    init?(options: String, flags: UInt = 0) {
        guard mount("tmpfs", folder.path, "tmpfs", flags, options) == 0 else { return nil }
    }

    func makeReadOnly() -> Bool {
        mount("tmpfs", folder.path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0
    }

    deinit {
        umount(folder.path)
    }

    static let isPermitted = MountedFolder(options: "size=64k") != nil
}

private let reason: Comment = "needs a small tmpfs, and mounting one is not permitted here (root is needed)"

@Suite struct DiskFullTests {
    @Test(.enabled(if: MountedFolder.isPermitted, reason))
    func aFullDiskKeepsWhatWasVerified() async throws {
        let mounted = try #require(MountedFolder(options: "size=1m"))
        let torrent = try TestTorrent(length: 4 << 20, pieceLength: 256 << 10)
        let session = Session(torrent, in: mounted.folder.path)
        session.storeAll(blockLength: 16 << 10)
        let said = await session.close()
        guard case .full(let path, ENOSPC)? = said.errors.first, said.errors.count == 1 else {
            Issue.record("expected one complaint about a full disk, got \(said.errors)")
            return
        }
        #expect(path == mounted.folder.path("file.bin"))
        #expect(said.verified == [0, 1, 2], "1 MiB less the marker holds three pieces")
        #expect(said.released == 4 << 20, "what comes after the failure is given back as well")

        // The same command again finds them; with more room it goes on.
        #expect(mount("tmpfs", mounted.folder.path, "tmpfs", UInt(MS_REMOUNT), "size=8m") == 0)
        let second = Session(torrent, in: mounted.folder.path)
        for piece in 3..<16 { second.store(piece: piece, blockLength: 16 << 10) }
        let more = await second.close()
        #expect(more.opened?.setIndices.elementsEqual([0, 1, 2]) == true)
        #expect(more.verified == Array(3..<16))
        #expect(mounted.folder.read("file.bin") == torrent.content)
    }

    @Test(.enabled(if: MountedFolder.isPermitted, reason))
    func verifiedPiecesAreServedFromAFullDisk() async throws {
        let mounted = try #require(MountedFolder(options: "size=1m"))
        let torrent = try TestTorrent(length: 4 << 20, pieceLength: 256 << 10)
        let session = Session(torrent, in: mounted.folder.path)
        session.storeAll(blockLength: 16 << 10)
        session.storage.read(piece: 1, offset: 0, length: 16 << 10, tag: 1)
        let said = await session.close()
        #expect(said.errors.count == 1)
        #expect(try said.reads[1]?.get().readableBytes == 16 << 10)
    }

    @Test(.enabled(if: MountedFolder.isPermitted, reason))
    func aDiskWithoutRoomForTheMarkerIsFull() async throws {
        let mounted = try #require(MountedFolder(options: "size=64k"))
        try mounted.folder.write("filler", [UInt8](repeating: 1, count: 60 << 10))
        let torrent = try TestTorrent(files: (0..<1_000).map { ("a long file name number \($0)", 1) })
        let said = await Session(torrent, in: mounted.folder.path).close()
        #expect(said.errors == [.full(path: mounted.folder.path(".folder.mainline"), errno: ENOSPC)])
        #expect(mounted.folder.tree == ["filler"])
    }

    @Test(.enabled(if: MountedFolder.isPermitted, reason))
    func aReadOnlyDiskIsNamed() async throws {
        let mounted = try #require(MountedFolder(options: "size=64k"))
        try #require(mounted.makeReadOnly())
        let said = await Session(try TestTorrent(length: 10), in: mounted.folder.path).close()
        #expect(said.errors == [.readOnly(path: mounted.folder.path(".file.bin.mainline"), errno: EROFS)])
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func aFolderWithoutPermissionIsNamed() async throws {
        let folder = TemporaryFolder()
        #expect(chmod(folder.path, 0o500) == 0)
        let said = await Session(try TestTorrent(length: 10), in: folder.path).close()
        #expect(said.errors == [.noPermission(path: folder.path(".file.bin.mainline"), errno: EACCES)])
    }
}
