import Foundation
import Testing

@testable import CommandSupport

/// The parts of `create` that decide what is in a torrent.
@Suite struct CreateTests {
    @Test(arguments: [
        (["a"], ["b"]), (["B"], ["a"]), (["a"], ["a", "b"]), (["a", "z"], ["a.txt"]), (["a", "z"], ["b", "a"]),
        (["z"], ["ä"]), (["e\u{301}"], ["é"]),
    ])
    func filesAreInTheOrderOfTheirBytes(first: [String], second: [String]) {
        #expect(PathOrder.precedes(first, second) && !PathOrder.precedes(second, first))
        #expect(!PathOrder.precedes(first, first))
    }

    @Test(arguments: [("16384", 16_384), ("16K", 16_384), ("1M", 1 << 20), ("512MiB", 512 << 20)])
    func pieceLengthsArePowersOfTwo(text: String, bytes: Int) {
        #expect(PieceLength(argument: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "0", "8K", "17K", "24K", "1G", "-16K", "x"])
    func otherPieceLengthsAreRefused(text: String) {
        #expect(PieceLength(argument: text) == nil)
    }

    @Test(arguments: ["udp://a:1/announce", "HTTP://a/", "https://a.example/x?y=z", "wss://a"])
    func trackersAreURLs(text: String) {
        #expect(TrackerURL(argument: text)?.text == text)
    }

    @Test(arguments: ["", "a", "udp://", "ftp://a/", "udp://a b", "http://a/\n", "http://\u{202E}a"])
    func whatIsNoTrackerIsRefused(text: String) {
        #expect(TrackerURL(argument: text) == nil)
    }

    @Test func datesAreSecondsOrNow() throws {
        #expect(CreationDate(argument: "0")?.seconds == 0)
        #expect(CreationDate(argument: "-1") == nil && CreationDate(argument: "today") == nil)
        #expect(try #require(CreationDate(argument: "now")).seconds > 1_700_000_000)
    }

    @Test func aFolderIsListedWithoutHiddenFilesAndLinks() throws {
        try withFolder { folder in
            for name in ["z", "a.txt", ".hidden", "ü", "tree.torrent"] { try Data(name.utf8).write(to: folder / name) }
            try FileManager.default.createDirectory(at: folder / "a", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(at: folder / ".git", withIntermediateDirectories: true)
            try Data().write(to: folder / "a/empty")
            try FileManager.default.createSymbolicLink(at: folder / "link", withDestinationURL: folder / "z")
            var wishes = SourceTree.Wishes()
            wishes.leavesOut = (folder / "tree.torrent").path

            let tree = try SourceTree(folder.path, wishes)
            #expect(tree.name == folder.lastPathComponent && !tree.isSingleFile)
            #expect(tree.files.map(\.components) == [["a", "empty"], ["a.txt"], ["z"], ["ü"]])
            #expect(tree.files.map(\.length) == [0, 5, 1, 2])
            #expect(tree.hiddenLeftOut.sorted() == [".git", ".hidden"] && tree.linksLeftOut == ["link"])

            wishes.takesHidden = true
            let all = try SourceTree(folder.path + "/", wishes)
            #expect(all.files.map(\.components).first == [".hidden"] && all.hiddenLeftOut.isEmpty)
            #expect(all.name == tree.name)
        }
    }

    @Test func aLinkGivenByNameIsFollowed() throws {
        try withFolder { folder in
            try Data("abc".utf8).write(to: folder / "target")
            try FileManager.default.createSymbolicLink(at: folder / "alias", withDestinationURL: folder / "target")
            let tree = try SourceTree((folder / "alias").path)
            #expect(tree.name == "alias" && tree.isSingleFile && tree.totalLength == 3)
        }
    }

    @Test func whatCannotBeSharedIsRefused() throws {
        try withFolder { folder in
            let statuses = { (path: String) in
                do throws(CommandFailure) {
                    _ = try SourceTree(path)
                    return ProgramExit.done
                } catch {
                    return error.status
                }
            }
            #expect(statuses(folder.path) == .usage, "no file in it")
            #expect(statuses((folder / "nothing").path) == .usage)
            #expect(mkfifo((folder / "pipe").path, 0o600) == 0)
            #expect(statuses(folder.path) == .disk)
            #expect(statuses((folder / "pipe").path) == .disk)
            unlink((folder / "pipe").path)
            let name = [CChar]((folder.path + "/a").utf8CString.dropLast()) + [-1, 0]
            #expect(creat(name, 0o600) >= 0)
            #expect(statuses(folder.path) == .disk, "a name that is not UTF-8")
        }
    }

    @Test func aFileIsWrittenWholeAndReplacedOnlyWhenTold() throws {
        try withFolder { folder in
            let path = (folder / "new").path
            try NewFile.write([1, 2, 3], to: path, replacing: false)
            #expect(throws: NewFile.Failure.exists) { try NewFile.write([4], to: path, replacing: false) }
            #expect(try FileContents.read(path, limitBytes: 10) == [1, 2, 3])
            try NewFile.write([4], to: path, replacing: true)
            #expect(try FileContents.read(path, limitBytes: 10) == [4])
            #expect(throws: NewFile.Failure.system(errno: ENOENT)) {
                try NewFile.write([4], to: folder.path + "/none/file", replacing: false)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["new"])
        }
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath() / "mainline-create-\(UUID())"
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }
}

/// A path below a folder.
private func / (folder: URL, name: String) -> URL { folder.appending(path: name) }
