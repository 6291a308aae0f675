import Bencode
import CommandSupport
import KRPC
import Kademlia
import Metainfo
import Primitives

/// Items (BEP 44) as people and machines read them.
enum ItemText {
    /// A bencoded string as its text, anything else as it is encoded; what is no text in hexadecimal.
    static func text(_ value: [UInt8]) -> String {
        let content = string(in: value) ?? value
        guard let text = String(validating: content, as: UTF8.self) else { return Hex.encode(content) }
        return TerminalText.escaped(text)
    }

    /// The bytes of a value that is one bencoded string.
    static func string(in value: [UInt8]) -> [UInt8]? {
        let span = value.span.bytes
        var reader = BencodeReader(span)
        do {
            guard try reader.kind(in: span) == .string else { return nil }
            let range = try reader.string(in: span)
            try reader.finish()
            return Array(value[range])
        } catch {
            return nil
        }
    }

    /// Whether it is one bencoded value and nothing else.
    static func isBencoded(_ value: [UInt8]) -> Bool {
        let span = value.span.bytes
        var reader = BencodeReader(span)
        do {
            _ = try reader.skip(in: span)
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    static func bencodedString(_ content: [UInt8]) -> [UInt8] {
        var writer = BencodeWriter()
        writer.string(content)
        return writer.bytes
    }

    static func members(_ item: Item) -> [JSONValue.Member] {
        let text = string(in: item.value).flatMap { String(validating: $0, as: UTF8.self) }
        return [
            .init("target", .string(item.target.hex)), .init("value", .string(Hex.encode(item.value))),
            .init("text", text.map { .string($0) } ?? .null),
            .init("key", item.signed.map { .string(Hex.encode($0.key)) } ?? .null),
            .init("salt", item.signed.map { .string(Hex.encode($0.salt)) } ?? .null),
            .init("seq", item.signed.map { .integer(Int($0.sequence)) } ?? .null),
            .init("info_hash", KeyMagnet.infoHash(in: item.value).map { .string($0.hex) } ?? .null),
        ]
    }
}
