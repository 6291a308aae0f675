import Glibc

/// The folder that the user chose, and the way to everything below it.
///
/// Paths are lists of safe components, walked one by one from the folder's descriptor with `O_NOFOLLOW`. So no
/// symbolic link below the folder leads out of it, not even one that appears while we are at work. The folder itself
/// and what is above it are the user's choice, links included.
struct OutputFolder {
    let path: String
    private let disk: any Disk
    /// Nil as long as the folder does not exist.
    private var root: (any DiskFile)?
    /// The folder walked to last: neighbours in a torrent are neighbours on disk.
    private var lastParent: (components: ArraySlice<String>, descriptor: any DiskFile)?
    /// Folders with entries that a power cut may take.
    private var unsafeFolders: Set<ArraySlice<String>> = []

    init(path: String, disk: any Disk) {
        self.path = path
        self.disk = disk
    }

    /// How the user would write the path of something below.
    func text(_ components: some Sequence<String>) -> String {
        let below = components.joined(separator: "/")
        return path.isEmpty || path == "." ? below : path.hasSuffix("/") ? path + below : "\(path)/\(below)"
    }

    /// The folder's own descriptor; nil when it does not exist and is not to be made.
    mutating func open(creating: Bool) throws(StorageError) -> (any DiskFile)? {
        if let root { return root }
        let path = path.isEmpty ? "." : path
        do throws(SystemError) {
            if creating { try disk.makeDirectories(path) }
            root = try disk.openDirectory(path)
        } catch {
            if error.code == ENOENT, !creating { return nil }
            throw StorageError(error, path: path)
        }
        return root
    }

    /// What is at the end of a path, links not followed; nil: nothing.
    mutating func status(of components: [String]) throws(StorageError) -> FileStatus? {
        guard let parent = try parent(of: components, creating: false) else { return nil }
        do {
            return try parent.status(ofChild: components[components.count - 1])
        } catch {
            throw StorageError(error, path: text(components))
        }
    }

    /// Opens a regular file; with `O_CREAT` in the flags missing folders are made as well.
    mutating func openFile(
        _ components: [String], flags: Int32, isExecutable: Bool = false
    ) throws(StorageError) -> any DiskFile {
        guard let parent = try parent(of: components, creating: flags & O_CREAT != 0) else {
            throw .other(path: text(components), errno: ENOENT)
        }
        do throws(SystemError) {
            let descriptor = try parent.openChild(
                components[components.count - 1], flags: flags, mode: isExecutable ? 0o777 : 0o666)
            // What did not exist before is what we made.
            if flags & O_EXCL != 0 { return descriptor }
            guard case .regular = try descriptor.status() else { throw SystemError(code: ELOOP) }
            return descriptor
        } catch {
            throw StorageError(error, path: text(components))
        }
    }

    /// The entries on the way to a file are to be brought to the disk, by whatever run they were made.
    mutating func noteEntries(to components: [String]) {
        for count in 0..<components.count { unsafeFolders.insert(components[..<count]) }
    }

    var unsafeFolderCount: Int { unsafeFolders.count }

    /// Hands out what must be synchronized so that all noted entries are safe.
    mutating func takeUnsafeFolders() throws(StorageError) -> [any DiskFile] {
        var folders: [any DiskFile] = []
        for components in unsafeFolders {
            // The parent of something in the folder is the folder.
            guard let folder = try parent(of: components + [""], creating: false) else {
                throw .other(path: text(components), errno: ENOENT)
            }
            folders.append(folder)
        }
        unsafeFolders.removeAll()
        return folders
    }

    /// Instead of `takeUnsafeFolders` where the whole file system is synchronized.
    mutating func forgetUnsafeFolders() {
        unsafeFolders.removeAll()
    }

    private mutating func parent(
        of components: some BidirectionalCollection<String>, creating: Bool
    ) throws(StorageError) -> (any DiskFile)? {
        guard var descriptor = try open(creating: creating) else { return nil }
        let folders = ArraySlice(components.dropLast())
        if folders.isEmpty { return descriptor }
        if let lastParent, lastParent.components == folders { return lastParent.descriptor }
        for (index, folder) in folders.enumerated() {
            guard let next = try enter(folder, of: descriptor, creating: creating, walked: folders.prefix(index + 1))
            else { return nil }
            descriptor = next
        }
        lastParent = (folders, descriptor)
        return descriptor
    }

    private func enter(
        _ name: String, of parent: any DiskFile, creating: Bool, walked: ArraySlice<String>
    ) throws(StorageError) -> (any DiskFile)? {
        do throws(SystemError) {
            switch try parent.status(ofChild: name) {
            case nil:
                guard creating else { return nil }
                try parent.makeDirectory(name)
            case .directory?: break
            case .symbolicLink?: throw SystemError(code: ELOOP)
            case .regular?, .special?: throw SystemError(code: ENOTDIR)
            }
            // Should a link have taken the folder's place since, this refuses it.
            return try parent.openChild(name, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw StorageError(error, path: text(walked))
        }
    }
}
