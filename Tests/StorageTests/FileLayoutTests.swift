import Metainfo
import NIOCore
import Primitives
import Storage
import Testing

@Suite struct FileLayoutTests {
    struct Repair: Sendable {
        let path: [String]
        let repaired: String
        let reasons: [PathSanitizer.Reason]

        init(_ path: [String], _ repaired: String, _ reasons: PathSanitizer.Reason...) {
            self.path = path
            self.repaired = repaired
            self.reasons = reasons
        }
    }

    @Test(arguments: [
        Repair(["..", "..", "evil"], "__/__/evil", .relative, .relative), Repair(["."], "_", .relative),
        Repair(["/etc/passwd"], "_etc_passwd", .separator),
        Repair(["a\u{0}b\n"], "a_b_", .control), Repair(["\u{202E}gpj.exe"], "_gpj.exe", .control),
        Repair(["a/\u{7F}"], "a__", .separator, .control), Repair([".x.mainline"], "_.x.mainline", .hidden),
        Repair(["a", ".x.mainline.tmp"], "a/_.x.mainline.tmp", .hidden),
        Repair(["...", ".a", "a.", " "], ".../.a/a./ "),
        Repair(
            [String(repeating: "x", count: 260) + ".tar.gz"], String(repeating: "x", count: 252) + ".gz", .tooLong),
        Repair([String(repeating: "é", count: 200) + ".a"], String(repeating: "é", count: 126) + ".a", .tooLong),
        Repair(["." + String(repeating: "x", count: 260)], "." + String(repeating: "x", count: 254), .tooLong),
        Repair(["a." + String(repeating: "x", count: 260)], "a." + String(repeating: "x", count: 253), .tooLong),
    ])
    func namesAreRepaired(repair: Repair) throws {
        let layout = try layout([repair.path])
        #expect(layout.path(ofFile: 0).joined(separator: "/") == "t/" + repair.repaired)
        #expect(layout.repairs.flatMap(\.reasons) == repair.reasons)
        if let report = layout.repairs.first {
            #expect(report.file == 0)
            #expect(report.original == repair.path.joined(separator: "/"))
            #expect(report.repaired == repair.repaired)
        }
    }

    @Test func harmlessNamesStay() throws {
        let paths = [
            ["a", "b.txt"], ["a", "c"], [".hidden"], ["日本語", "emoji 👨‍👩‍👧.txt"], ["~"], ["-rf"], ["a\\b"], ["CON"],
        ]
        let layout = try layout(paths)
        #expect(paths.indices.map { layout.path(ofFile: $0) } == paths.map { ["t"] + $0 })
        #expect(layout.repairs.isEmpty)
    }

    @Test func namesThatCollideAreNumbered() throws {
        let paths = [
            ["a.txt"], ["a.txt"], ["a (2).txt"], ["a.txt"], ["x/"], ["x_"], ["d", "f"], ["d"], ["e"], ["e", "1"],
            ["e", "2"],
            ["e", "1"], [".."], ["__"],
        ]
        let layout = try layout(paths)
        #expect(
            paths.indices.map { layout.path(ofFile: $0).dropFirst().joined(separator: "/") } == [
                "a.txt", "a (2).txt", "a (2) (2).txt", "a (3).txt", "x_", "x_ (2)", "d/f", "d (2)", "e", "e (2)/1",
                "e (2)/2", "e (2)/1 (2)", "__", "__ (2)",
            ])
        #expect(Set(paths.indices.map { layout.path(ofFile: $0) }).count == paths.count)
    }

    @Test func collidingLongNamesStayWithinTheLimit() throws {
        let name = String(repeating: "x", count: 250) + ".txt"
        let layout = try layout([[name], [name], [name + "x"]])
        let names = (0..<3).map { layout.path(ofFile: $0)[1] }
        #expect(Set(names).count == 3)
        #expect(names.allSatisfy { $0.utf8.count <= PathSanitizer.maxComponentBytes })
        #expect(names[1].hasSuffix(" (2).txt"))
    }

    @Test func aPathThatIsTooLongLosesItsInnerFolders() throws {
        let folder = String(repeating: "f", count: 200)
        let layout = try layout([[folder] + Array(repeating: folder, count: 100) + ["file.txt"]])
        let path = layout.path(ofFile: 0)
        #expect(path.joined(separator: "/").utf8.count <= PathSanitizer.maxPathBytes)
        #expect(path.first == "t" && path[1] == folder && path.last == "file.txt")
        #expect(layout.repairs.map(\.reasons) == [[.tooDeep]])
    }

    @Test func aHundredThousandEqualNamesTakeNoLongerThanOthers() throws {
        let layout = try layout(Array(repeating: ["same"], count: 20_000))
        #expect(layout.path(ofFile: 19_999) == ["t", "same (20000)"])
        #expect(layout.repairs.count == FileLayout.maxRepairs)
    }

    @Test func theTorrentsOwnNameIsNeverHidden() throws {
        for (name, expected) in [(".bashrc", "_.bashrc"), ("..", "__"), ("", "_"), ("a/b", "a_b"), ("plain", "plain")] {
            let info = try InfoBuilder(name: name, length: 0).info(pieceHashes: [])
            let layout = FileLayout(info: info)
            #expect(layout.path(ofFile: 0) == [expected])
            #expect(layout.name == expected && FileLayout.name(for: info) == expected)
            #expect(layout.repairs.count == (name == expected ? 0 : 1))
        }
    }

    private func layout(_ paths: [[String]]) throws -> FileLayout {
        let builder = InfoBuilder(name: "t", files: paths.map { ($0, 0) })
        return FileLayout(info: try builder.info(pieceHashes: []))
    }
}
