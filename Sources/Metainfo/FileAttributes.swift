import Primitives

/// What `attr` says of a file (BEP 47).
package struct FileAttributes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let padding = FileAttributes(rawValue: 1)
    package static let executable = FileAttributes(rawValue: 2)
    package static let hidden = FileAttributes(rawValue: 4)
    package static let symbolicLink = FileAttributes(rawValue: 8)

    /// As `attr` has it.
    var text: String {
        let names: [(FileAttributes, String)] = [
            (.hidden, "h"), (.symbolicLink, "l"), (.padding, "p"), (.executable, "x"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined()
    }

    /// Characters that mean nothing to us are passed over.
    init(_ characters: some Sequence<UInt8>) {
        self = []
        for character in characters {
            switch character {
            case UInt8(ascii: "p"): insert(.padding)
            case UInt8(ascii: "x"): insert(.executable)
            case UInt8(ascii: "h"): insert(.hidden)
            case UInt8(ascii: "l"): insert(.symbolicLink)
            default: break
            }
        }
    }
}

extension MetainfoReader {
    /// What is no string says nothing.
    mutating func attributes(in bytes: RawSpan) throws(MetainfoError) -> FileAttributes {
        FileAttributes(try stringOrSkip(in: bytes).map { bytes.copy($0) } ?? [])
    }
}
