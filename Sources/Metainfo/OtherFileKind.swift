/// Files of other kinds that are given as .torrent files, told by their first bytes; the raw values name them to users.
package enum OtherFileKind: String, Hashable, Sendable {
    case empty = "an empty file"
    case gzip = "a gzip file: unpack it first (gunzip)"
    case zip = "a zip file: unpack it first (unzip)"
    case webPage = "a web page, not the torrent: the site may want a login, or its address was that of a page"
    case utf16 = "text in UTF-16: a text editor or a shell has changed the file, download it again"
    case byteOrderMark = "a text with a byte order mark: a text editor has changed the file, download it again"
    case magnet = "a text with a magnet link: give the link itself, in quotes"

    /// Nil for a bencoded dictionary, and for whatever is none of these.
    init?(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .empty
        } else if bytes.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if bytes.starts(with: "PK\u{3}\u{4}".utf8) {
            self = .zip
        } else if [[0xFE, 0xFF], [0xFF, 0xFE], [0x64, 0]].contains(where: bytes.starts) {
            self = .utf16
        } else if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            self = .byteOrderMark
        } else {
            let start = bytes[...].trimmingBlanks()
            if start.first == UInt8(ascii: "<") {
                self = .webPage
            } else if start.droppingPrefix("magnet:") != nil {
                self = .magnet
            } else {
                return nil
            }
        }
    }
}
