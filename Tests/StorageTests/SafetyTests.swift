import Foundation
import Metainfo
import NIOCore
import Primitives
import Storage
import Testing

/// Whatever a torrent calls its files, nothing outside the output folder is touched.
@Suite struct SafetyTests {
    /// `out` is the output folder, so that what leaves it is seen beside it.
    let folder = TemporaryFolder()

    static let hostilePaths: [[String]] = [
        ["..", "..", "evil"], ["../../evil"], ["/evil"], ["", "evil"], [".", ".", "evil"], ["..", ""],
        ["a", "..", "..", "evil"],
        ["/", "/etc", "passwd"], ["evil\u{0}.txt"], ["\u{0}"], ["a\nb\u{1B}[2J"], ["\u{202E}gpj.exe"], ["..", ".."],
        [String(repeating: "x", count: 300) + ".txt"], Array(repeating: "deep", count: 5_000),
        ["..\u{0}"], ["..", ".folder.mainline"], [".x.mainline"], ["~", "evil"], ["-rf"], ["a/../../evil"], ["…", "é"],
    ]

    @Test(arguments: hostilePaths)
    func hostilePathsStayInTheFolder(path: [String]) async throws {
        let torrent = try TestTorrent(paths: [(path, 1_500), (["innocent"], 500)])
        let session = Session(torrent, in: folder.path("out"))
        session.storeAll()
        let said = await session.close()
        #expect(said.verified == [0, 1] && said.errors.isEmpty)
        let files = folder.tree.filter { !$0.hasSuffix("/") }
        #expect(files.count == 3, "the marker and two files, wherever they are: \(files)")
        #expect(files.allSatisfy { $0 == "out/.folder.mainline" || $0.hasPrefix("out/folder/") })
        #expect(await Session(torrent, in: folder.path("out")).close().opened?.isFull == true)
    }

    @Test(arguments: [
        "..", ".", "", "/", "../evil", "/etc/passwd", "../../evil\u{0}", ".bash_profile", ".other.mainline", "\u{0}",
        "a/b",
        String(repeating: "é", count: 200),
    ])
    func hostileTorrentNamesStayInTheFolder(name: String) async throws {
        for torrent in [
            try TestTorrent(name: name, length: 1_000), try TestTorrent(name: name, files: [("a", 500), ("b", 500)]),
        ] {
            let out = "out\(torrent.info.files.count)"
            let session = Session(torrent, in: folder.path(out))
            session.storeAll()
            let said = await session.close()
            #expect(said.verified == [0] && said.errors.isEmpty)
            #expect(folder.tree.allSatisfy { $0.hasPrefix("out") })
            let inside = try FileManager.default.contentsOfDirectory(atPath: folder.path(out)).sorted()
            #expect(inside.count == 2)
            #expect(inside.count { $0.hasPrefix(".") && $0.hasSuffix(".mainline") } == 1, "only the marker is hidden")
            #expect(said.repairs.first?.file == nil)
        }
    }

    @Test func aLinkInPlaceOfTheFileIsNotFollowed() async throws {
        try folder.write("victim", [1, 2, 3])
        try folder.makeFolder("out")
        for target in ["../victim", "/nonexistent/target"] {
            try folder.link("out/file.bin", to: target)
            let session = Session(try TestTorrent(length: 1_000), in: folder.path("out"))
            session.storeAll()
            let said = await session.close()
            #expect(said.errors == [.unsafePath(path: folder.path("out/file.bin"))])
            try folder.remove("out/file.bin")
        }
        #expect(folder.read("victim") == [1, 2, 3])
    }

    @Test(arguments: ["folder", "folder/sub"])
    func aLinkInPlaceOfAFolderIsNotFollowed(link: String) async throws {
        try folder.makeFolder("elsewhere/sub")
        try folder.makeFolder((("out/" + link) as NSString).deletingLastPathComponent)
        try folder.link("out/" + link, to: folder.path("elsewhere"))
        let session = Session(try TestTorrent(files: [("sub/a", 1_000)]), in: folder.path("out"))
        session.storeAll()
        let said = await session.close()
        #expect(said.errors == [.unsafePath(path: folder.path("out/" + link))])
        #expect(folder.tree.allSatisfy { !$0.hasSuffix("/a") })
    }

    @Test func aLinkThatAppearsDuringTheDownloadIsNotFollowed() async throws {
        try folder.makeFolder("elsewhere")
        try folder.write("victim", [1])
        let torrent = try TestTorrent(files: [("a", 1_000), ("sub/b", 1_000), ("c", 1_000)])
        let session = Session(torrent, in: folder.path("out"))
        session.store(piece: 0)
        _ = await session.settle()
        try folder.link("out/folder/sub", to: "../../elsewhere")
        session.store(piece: 1)
        let said = await session.close()
        #expect(said.errors == [.unsafePath(path: folder.path("out/folder/sub"))])

        try folder.remove("out/folder/sub")
        try folder.link("out/folder/c", to: "../../victim")
        let second = await Session(torrent, in: folder.path("out")).close()
        #expect(second.errors == [.unsafePath(path: folder.path("out/folder/c"))])
        #expect(folder.read("victim") == [1])
        #expect(!folder.exists("elsewhere/b"))
    }

    @Test func aPipeInPlaceOfAFileIsRefusedWithoutWaiting() async throws {
        try folder.makeFolder("out")
        #expect(mkfifo(folder.path("out/file.bin"), 0o600) == 0)
        let said = await Session(try TestTorrent(length: 10), in: folder.path("out")).close()
        #expect(said.errors == [.unsafePath(path: folder.path("out/file.bin"))])
        #expect(mkfifo(folder.path("out/.other.mainline"), 0o600) == 0)
        let other = await Session(try TestTorrent(name: "other", length: 10), in: folder.path("out")).close()
        #expect(other.errors.count == 1)
    }

    @Test func theOutputFolderItselfMayBeALink() async throws {
        try folder.makeFolder("real")
        try folder.link("out", to: "real")
        let session = Session(try TestTorrent(length: 1_000), in: folder.path("out"))
        session.storeAll()
        #expect(await session.close().verified == [0])
        #expect(folder.exists("real/file.bin"))
    }
}
