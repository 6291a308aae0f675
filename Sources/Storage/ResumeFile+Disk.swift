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
                let header = header(of: descriptor), header.infoHash == infoHash,
                let info = info(in: descriptor, header)
            else { continue }
            return info
        }
        return nil
    }

    private static func info(in descriptor: any DiskFile, _ header: Header) -> Info? {
        guard case .regular? = try? descriptor.status(), header.infoLength <= MetainfoLimits.infoBytes else {
            return nil
        }
        // Without the records, and with a byte of them, so that a marker of the first version has none.
        let count = Header.byteCount + header.infoLength + ID160.byteCount + 1
        return try? ResumeFile(bytes: try descriptor.read(at: 0, count: count)).info
    }

    /// Puts a marker with these bytes into a folder, all of it or nothing, on disk before this returns.
    ///
    /// The file holds the lock on the data for as long as it is kept; nil when somebody else has it.
    static func write(
        _ bytes: [UInt8], named name: String, in folder: any DiskFile
    ) throws(SystemError) -> (any DiskFile)? {
        let temporary = name + temporarySuffix
        if try folder.status(ofChild: temporary) != nil {
            // What a run left that did not end well, unless it is still at work.
            if let other = try? folder.openChild(temporary, flags: O_RDONLY), !other.lock() { return nil }
            try folder.unlink(temporary)
        }
        let file = try folder.openChild(temporary, flags: O_RDWR | O_CREAT | O_EXCL)
        guard file.lock() else { return nil }
        do throws(SystemError) {
            try file.write(bytes, at: 0)
            try file.synchronize()
            try folder.rename(temporary, to: name)
        } catch {
            try? folder.unlink(temporary)
            throw error
        }
        try folder.synchronize()
        return file
    }

    private static func header(of descriptor: any DiskFile) -> Header? {
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
