import Glibc
package import Metainfo
package import Primitives

extension ResumeFile {
    /// The info dictionary that an earlier run left in a folder, so that it need not be fetched again.
    ///
    /// Returns nil when there is none that is whole.
    package static func find(infoHash: InfoHash, in directory: String) -> Info? {
        let path = directory.isEmpty ? "." : directory
        guard let folder = try? Descriptor.openDirectory(path) else { return nil }
        for name in markerNames(in: path) {
            guard let descriptor = try? folder.openChild(name, flags: O_RDONLY),
                header(of: descriptor)?.infoHash == infoHash, let file = try? read(descriptor)
            else { continue }
            return file.info
        }
        return nil
    }

    /// Reads a marker; nil when the file is none that we can use.
    static func read(_ descriptor: Descriptor) throws(SystemError) -> ResumeFile? {
        guard case .regular(let size) = try descriptor.status(), size <= maxBytes else { return nil }
        return try? ResumeFile(bytes: try descriptor.read(at: 0, count: size))
    }

    /// Puts the marker into a folder, all of it or nothing, on disk before this returns.
    ///
    /// The descriptor holds the lock on the data for as long as it is kept; nil when somebody else has it.
    static func write(_ file: ResumeFile, named name: String, in folder: Descriptor) throws(SystemError) -> Descriptor?
    {
        let temporary = name + temporarySuffix
        if try folder.status(ofChild: temporary) != nil {
            // What a run left that did not end well, unless it is still at work.
            if let other = try? folder.openChild(temporary, flags: O_RDONLY), !other.lock() { return nil }
            try folder.unlink(temporary)
        }
        let descriptor = try folder.openChild(temporary, flags: O_RDWR | O_CREAT | O_EXCL)
        guard descriptor.lock() else { return nil }
        do throws(SystemError) {
            try descriptor.write(file.encoded(), at: 0)
            try descriptor.synchronize()
            try folder.rename(temporary, to: name)
        } catch {
            try? folder.unlink(temporary)
            throw error
        }
        try folder.synchronize()
        return descriptor
    }

    private static func header(of descriptor: Descriptor) -> Header? {
        guard let bytes = try? descriptor.read(at: 0, count: Header.byteCount) else { return nil }
        return try? Header(bytes.span.bytes)
    }

    private static func markerNames(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("."), name.hasSuffix(suffix) { names.append(name) }
        }
        return names
    }
}
