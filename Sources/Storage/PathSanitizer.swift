/// Makes one safe file name of one path component from the network.
///
/// It repairs rather than refuses. Names stay readable: only what could lead elsewhere, hide, or not be stored is
/// changed. The result of a name is always the same, so that a later run finds the files again.
package enum PathSanitizer {
    /// What ext4, XFS, Btrfs and most others allow.
    package static let maxComponentBytes = 255
    /// Half of PATH_MAX, which leaves the other half to the output folder.
    package static let maxPathBytes = 2048

    package enum Reason: Hashable, Sendable {
        case empty
        /// `.` or `..`.
        case relative
        /// A slash within a component.
        case separator
        /// NUL, other control characters, line separators, and characters that turn the direction of text.
        case control
        case tooLong
        /// A dot in front of the torrent's own name (a download into the home folder must not become a start-up
        /// script), or the name of a marker.
        case hidden
        /// Another file or folder of the torrent had this name first.
        case collision
        /// The whole path was too long: inner folders were left out.
        case tooDeep
    }

    /// A safe name for `component`; reasons are added where it had to be changed.
    static func repair(_ component: String, isTopLevel: Bool, reasons: inout [Reason]) -> String {
        var name = component
        if component.unicodeScalars.contains(where: { replacement(for: $0) != nil }) {
            name = replacingScalars(in: component, reasons: &reasons)
        }
        if name.isEmpty {
            reasons.append(.empty)
            return "_"
        }
        if name == "." || name == ".." {
            reasons.append(.relative)
            return String(repeating: "_", count: name.utf8.count)
        }
        if name.utf8.first == UInt8(ascii: "."), isTopLevel || ResumeFile.isReserved(name) {
            reasons.append(.hidden)
            name = "_" + name
        }
        if name.utf8.count > maxComponentBytes {
            reasons.append(.tooLong)
            name = shorten(name, to: maxComponentBytes)
        }
        return name
    }

    /// At most `limit` bytes of UTF-8: the end of the stem is cut, an extension of sensible length stays.
    static func shorten(_ name: String, to limit: Int, inserting suffix: String = "") -> String {
        let bytes = Array(name.utf8)
        var dot = bytes.lastIndex(of: UInt8(ascii: ".")) ?? bytes.count
        if dot == 0 || bytes.count - dot > maxExtensionBytes { dot = bytes.count }
        var end = max(0, min(dot, limit - suffix.utf8.count - (bytes.count - dot)))
        // Never in the middle of a character's bytes.
        while end > 0, end < bytes.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + suffix + String(decoding: bytes[dot...], as: UTF8.self)
    }

    private static let maxExtensionBytes = 32

    private static func replacingScalars(in component: String, reasons: inout [Reason]) -> String {
        var name = String.UnicodeScalarView()
        for scalar in component.unicodeScalars {
            if let reason = replacement(for: scalar) {
                if !reasons.contains(reason) { reasons.append(reason) }
                name.append("_")
            } else {
                name.append(scalar)
            }
        }
        return String(name)
    }

    /// Why a character cannot stay; nil: it can.
    private static func replacement(for scalar: Unicode.Scalar) -> Reason? {
        switch scalar.value {
        case 0x2F: .separator
        case ..<0x20, 0x7F...0x9F, 0x2028, 0x2029: .control
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: .control
        default: nil
        }
    }
}
