package import Metainfo
import Storage

/// Where the files of a torrent are below a folder, as a download names them.
package enum DiskPaths {
    package static func of(_ info: Info, in folder: String) -> [String] {
        let layout = FileLayout(info: info)
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return info.files.indices.map { prefix + layout.path(ofFile: $0).joined(separator: "/") }
    }
}
