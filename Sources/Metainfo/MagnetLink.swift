/// A magnet link as people paste it, taken apart: what mail programs, web pages and shells put into it is gone.
struct MagnetLink {
    let parameters: [Parameter]

    /// Nil when `text` is no magnet link, whatever it has in it.
    ///
    /// Read are `magnet:?…`, `magnet://?…`, `magnet:xt=…`, and a query that is percent-encoded as a whole. Parameters
    /// are separated by `&`, also where a web page made `&amp;` of it.
    init?(_ text: ArraySlice<UInt8>) {
        guard var query = text.droppingPrefix("magnet:")?.drop(while: { $0 == UInt8(ascii: "/") }) else { return nil }
        if query.droppingPrefix("%3f") != nil || query.droppingPrefix("xt%3d") != nil {
            query = PercentCoding.decode(query, plusIsSpace: false)[...]
        }
        if query.first == UInt8(ascii: "?") {
            query = query.dropFirst()
        } else {
            guard query.contains(UInt8(ascii: "=")) else { return nil }
        }
        parameters = query.split(separator: UInt8(ascii: "&")).map { Parameter(Self.droppingEntity($0)) }
    }

    /// What is left of `&amp;`, `&#38;` and `&#x26;` once it was taken for a separator; once for each time that a page
    /// escaped it.
    private static func droppingEntity(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let rest = text.droppingPrefix("amp;") ?? text.droppingPrefix("#38;") ?? text.droppingPrefix("#038;")
            ?? text.droppingPrefix("#x26;")
        {
            text = rest
        }
        return text
    }

    /// What was pasted, without blanks, quotes and brackets around it and without the line breaks that mail programs
    /// put into it.
    static func cleaned(_ text: String) -> ArraySlice<UInt8> {
        let scalars = text.unicodeScalars.filter { $0 != "\r" && $0 != "\n" && !invisible.contains($0) }
        var rest = scalars[...]
        while let first = rest.first, isAround(first) || first == "(" || first == "[" { rest.removeFirst() }
        // No link has these as they are, but a link may well end with a bracket or an apostrophe.
        let opening = scalars[..<rest.startIndex].last
        while let last = rest.last, isAround(last) && last != "'" || last == closing(opening) { rest.removeLast() }
        return Array(String(Substring.UnicodeScalarView(rest)).utf8)[...]
    }

    /// A byte order mark, and blanks of no width.
    private static let invisible: Set<Unicode.Scalar> = ["\u{FEFF}", "\u{200B}", "\u{2060}"]
    private static let quotes: Set<Unicode.Scalar> = ["\"", "'", "`", "“", "”", "‘", "’", "«", "»", "„", "<", ">"]

    private static func isAround(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.value < 0x20 || quotes.contains(scalar)
    }

    private static func closing(_ opening: Unicode.Scalar?) -> Unicode.Scalar? {
        switch opening {
        case "(": ")"
        case "[": "]"
        case "'": "'"
        default: nil
        }
    }
}

/// `key=value`, the key in lower case and without the number of `tr.1`, the value still encoded.
struct Parameter {
    let key: String
    private let value: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        let equals = text.firstIndex(of: UInt8(ascii: "=")) ?? text.endIndex
        var key = text[..<equals].trimmingBlanks()
        if let dot = key.lastIndex(of: UInt8(ascii: ".")), case let number = key[(dot + 1)...], !number.isEmpty,
            number.allSatisfy(\.isDigit)
        {
            key = key[..<dot]
        }
        self.key = String(decoding: key.map(\.lowercased), as: UTF8.self)
        value = text[equals...].dropFirst()
    }

    /// A text for people, with its blanks; `+` is one of them.
    var title: String { String(decoding: PercentCoding.decode(value, plusIsSpace: true), as: UTF8.self) }

    /// A text for programs: nothing that may not stand in a link as it is, and no blanks around what was encoded.
    var bytes: ArraySlice<UInt8> {
        PercentCoding.decode(value.filter { !Self.isForeign($0) }[...], plusIsSpace: false)[...].trimmingBlanks()
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A URL; one that was encoded twice is decoded twice.
    var url: String {
        let once = bytes
        guard !once.hasScheme else { return String(decoding: once, as: UTF8.self) }
        let twice = PercentCoding.decode(once, plusIsSpace: false)[...].trimmingBlanks()
        return String(decoding: twice.hasScheme ? twice : once, as: UTF8.self)
    }

    /// Blanks, quotes and angle brackets (RFC 3986, appendix C).
    private static func isForeign(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
    }
}

extension ArraySlice<UInt8> {
    /// Whether it begins with a scheme and `://`.
    fileprivate var hasScheme: Bool {
        let scheme = prefix { $0.isLetterOrDigit || $0 == UInt8(ascii: "+") }
        return !scheme.isEmpty && dropFirst(scheme.count).starts(with: "://".utf8)
    }
}
