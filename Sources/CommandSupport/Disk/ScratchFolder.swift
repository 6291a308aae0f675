import Glibc

/// A folder that is there as long as a command needs it.
package struct ScratchFolder: Sendable {
    package let path: String

    /// Below `TMPDIR`, or else `/var/tmp`, which unlike `/tmp` is on disk everywhere.
    package init() throws(CommandFailure) {
        let parents = [getenv("TMPDIR").map { String(cString: $0) }, "/var/tmp", "/tmp"].compactMap(\.self)
        for parent in parents where !parent.isEmpty {
            var template = Array("\(parent)/magnetget-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { continue }
            path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
            return
        }
        throw CommandFailure(
            .disk, "no temporary folder can be made: \(String(cString: strerror(errno)))", advice: "name one with -o")
    }

    /// With all that is in it; links are removed and not followed.
    package func remove() {
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        // A file, a link, or a folder that is empty.
        guard Glibc.remove(path) != 0, errno == ENOTEMPTY || errno == EEXIST, let stream = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(stream)
        for name in names { remove("\(path)/\(name)") }
        Glibc.remove(path)
    }
}
