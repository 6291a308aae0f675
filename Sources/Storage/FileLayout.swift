package import Metainfo

/// A name that had to be changed.
package struct PathRepair: Hashable, Sendable {
    /// Index into `Info.files`; nil for the name of the torrent.
    package let file: Int?
    /// As the torrent has it, joined with slashes; from the network.
    package let original: String
    package let repaired: String
    package let reasons: [PathSanitizer.Reason]
}

/// Where the files of a torrent lie below the output folder: safe, unique, and the same in each run.
package struct FileLayout: Sendable {
    /// The one entry in the output folder: the file of a single-file torrent, or the folder of the others.
    package let name: String
    /// At most `maxRepairs` of them.
    package private(set) var repairs: [PathRepair] = []
    /// A hostile torrent can need a million.
    package static let maxRepairs = 1_000

    private let info: Info
    /// Components below `name`, where they differ from those of the torrent.
    private var changed: [Int: [String]] = [:]

    package init(info: Info) {
        self.info = info
        var reasons: [PathSanitizer.Reason] = []
        name = PathSanitizer.repair(info.name, isTopLevel: true, reasons: &reasons)
        if !reasons.isEmpty {
            repairs = [PathRepair(file: nil, original: info.name, repaired: name, reasons: reasons)]
        }
        if !info.isSingleFile { layOutFiles() }
    }

    /// The entry in the output folder that holds the torrent, without laying out its files.
    package static func name(for info: Info) -> String {
        var reasons: [PathSanitizer.Reason] = []
        return PathSanitizer.repair(info.name, isTopLevel: true, reasons: &reasons)
    }

    /// Components below the output folder, at least one.
    package func path(ofFile index: Int) -> [String] {
        info.isSingleFile ? [name] : [name] + (changed[index] ?? info.files[index].path)
    }

    private mutating func layOutFiles() {
        var tree = NameTree()
        for (index, file) in info.files.enumerated() where file.isStored {
            var reasons: [PathSanitizer.Reason] = []
            var path = file.path.map { PathSanitizer.repair($0, isTopLevel: false, reasons: &reasons) }
            dropInnerFolders(of: &path, reasons: &reasons)
            tree.place(&path, reasons: &reasons)
            guard !reasons.isEmpty else { continue }
            changed[index] = path
            guard repairs.count < FileLayout.maxRepairs else { continue }
            repairs.append(
                PathRepair(
                    file: index, original: file.path.joined(separator: "/"), repaired: path.joined(separator: "/"),
                    reasons: reasons))
        }
    }

    /// Keeps the outer folders and the name of the file where the whole would be too long.
    private func dropInnerFolders(of path: inout [String], reasons: inout [PathSanitizer.Reason]) {
        let fixed = name.utf8.count + 1 + (path.last?.utf8.count ?? 0)
        var bytes = fixed
        guard
            let cut = path.dropLast().firstIndex(where: { component in
                bytes += component.utf8.count + 1
                return bytes > PathSanitizer.maxPathBytes
            })
        else { return }
        path.removeSubrange(cut..<path.count - 1)
        reasons.append(.tooDeep)
    }
}

/// The names given so far, so that no two files share one and no file has the name of a folder.
private struct NameTree {
    private struct Key: Hashable {
        let folder: Int
        let name: String
    }

    private enum Entry {
        case file
        case folder(Int)
    }

    private var entries: [Key: Entry] = [:]
    /// What a folder is called whose name belongs to a file.
    private var renamedFolders: [Key: String] = [:]
    /// Where to go on counting, so that a million equal names are not a million times a search.
    private var nextNumbers: [Key: Int] = [:]
    private var folderCount = 1

    /// Renames components until the path is unique, and takes it.
    mutating func place(_ path: inout [String], reasons: inout [PathSanitizer.Reason]) {
        var folder = 0
        for index in path.indices.dropLast() {
            let name = path[index]
            folder = enter(&path[index], in: folder)
            if path[index] != name { noteCollision(&reasons) }
        }
        let key = Key(folder: folder, name: path[path.count - 1])
        if entries[key] != nil {
            path[path.count - 1] = unusedName(like: key)
            noteCollision(&reasons)
        }
        entries[Key(folder: folder, name: path[path.count - 1])] = .file
    }

    private mutating func enter(_ name: inout String, in parent: Int) -> Int {
        var key = Key(folder: parent, name: name)
        if case .file? = entries[key] {
            let renamed = renamedFolders[key] ?? unusedName(like: key)
            renamedFolders[key] = renamed
            name = renamed
            key = Key(folder: parent, name: renamed)
        }
        if case .folder(let folder)? = entries[key] { return folder }
        defer { folderCount += 1 }
        entries[key] = .folder(folderCount)
        return folderCount
    }

    /// `name (2).ext`, or the first number after it that nobody has.
    private mutating func unusedName(like key: Key) -> String {
        var number = nextNumbers[key] ?? 2
        while true {
            let name = PathSanitizer.shorten(
                key.name, to: PathSanitizer.maxComponentBytes, inserting: " (\(number))")
            number += 1
            guard entries[Key(folder: key.folder, name: name)] == nil else { continue }
            nextNumbers[key] = number
            return name
        }
    }

    private func noteCollision(_ reasons: inout [PathSanitizer.Reason]) {
        if !reasons.contains(.collision) { reasons.append(.collision) }
    }
}
