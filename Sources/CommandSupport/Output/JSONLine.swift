import Primitives

/// A JSON value with its members in the order given: field names and order are part of the contract.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// Written with at most three digits after the point; not finite becomes null.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Equatable, Sendable {
        package let name: String
        package let value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }
}

/// One line of output for machines: an object that begins with `schema` and `event` (docs/reference/json.md).
///
/// Written by hand because Foundation's encoder would double the programs' start-up time.
package struct JSONLine: Equatable, Sendable {
    /// Raised when a field changes its meaning or goes; new fields do not raise it.
    package static let schema = 1

    package private(set) var members: [JSONValue.Member]

    package init(event: String, _ members: [JSONValue.Member] = []) {
        self.members = [.init("schema", .integer(JSONLine.schema)), .init("event", .string(event))] + members
    }

    /// The object without a line feed.
    package var text: String {
        var bytes: [UInt8] = []
        JSONValue.object(members).append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONValue {
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): JSONValue.append(value, to: &bytes)
        case .string(let value): JSONValue.append(value, to: &bytes)
        case .array(let values):
            JSONValue.append(values, in: "[]", to: &bytes) { $0.append(to: &$1) }
        case .object(let members):
            JSONValue.append(members, in: "{}", to: &bytes) { member, bytes in
                JSONValue.append(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
        }
    }

    private static func append<Element>(
        _ elements: [Element], in brackets: StaticString, to bytes: inout [UInt8],
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(brackets.utf8Start[0])
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(element, &bytes)
        }
        bytes.append(brackets.utf8Start[1])
    }

    private static func append(_ value: Double, to bytes: inout [UInt8]) {
        let rounded = (value * 1_000).rounded() / 1_000
        guard rounded.isFinite else { return bytes += "null".utf8 }
        if let whole = Int(exactly: rounded) {
            bytes += String(whole).utf8
        } else {
            bytes += rounded.description.utf8
        }
    }

    /// Escapes what JSON demands, and what a terminal would obey, for people who look at the lines.
    private static func append(_ value: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case _ where TerminalText.isDangerous(scalar):
                for unit in String(scalar).utf16 {
                    bytes += "\\u".utf8
                    bytes += Hex.encode([UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit)]).utf8
                }
            default: bytes += String(scalar).utf8
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
