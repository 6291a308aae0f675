import Foundation

/// The checked-out repository that these tests were built from.
struct Repository {
    /// The root folder, found from this file's own place in it.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Text files under a folder of the repository, as paths relative to the root, in order of their names.
    static func files(in folder: String, endingWith suffix: String = "") -> [String] {
        let start = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(atPath: start.path) else { return [] }
        var paths: [String] = []
        for case let name as String in walk where name.hasSuffix(suffix) && !isGenerated(name) {
            var isFolder: ObjCBool = false
            let path = start.appending(path: name).path
            if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
                paths.append("\(folder)/\(name)")
            }
        }
        return paths.sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func source(_ path: String) throws -> SourceText {
        SourceText(path: path, text: try text(path))
    }

    static func sources(in folder: String) throws -> [SourceText] {
        try files(in: folder, endingWith: ".swift").map(source)
    }

    /// Everything that is written by hand and read by people.
    static func allText() -> [String] {
        let folders = ["Sources", "Tests", "Bootstrap", "Tools", "docs", ".ci"]
        return folders.flatMap { files(in: $0) } + ["Package.swift", "README.md"]
    }

    private static func isGenerated(_ name: String) -> Bool {
        name.contains("__pycache__") || name.hasSuffix(".pyc")
            || name.split(separator: "/").contains { $0.hasPrefix(".build") }
    }
}

/// What a rule has to say against a place; empty lists are what the tests want.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}
