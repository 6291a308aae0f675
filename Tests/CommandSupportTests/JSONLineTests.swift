import Foundation
import Testing

@testable import CommandSupport

@Suite struct JSONLineTests {
    @Test func aLineBeginsWithSchemaAndEvent() {
        let line = JSONLine(event: "progress", [.init("done_bytes", .integer(3)), .init("eta", .null)])
        #expect(line.text == #"{"schema":1,"event":"progress","done_bytes":3,"eta":null}"#)
    }

    @Test(arguments: [
        (0.0, "0"), (1.5, "1.5"), (0.0004, "0"), (0.1234, "0.123"), (12.0, "12"), (.nan, "null"), (.infinity, "null"),
    ])
    func numbersHaveAtMostThreeDigits(value: Double, expected: String) {
        #expect(JSONLine(event: "x", [.init("v", .number(value))]).text.hasSuffix("\"v\":\(expected)}"))
    }

    @Test func dangerousCharactersAreEscapedAndComeBackAsTheyWere() throws {
        let name = "a\"b\\c\n\t\r\u{0}\u{1B}[2J\u{202E}\u{9B} ü 日本 👩\u{200D}🔬 \u{E0041}"
        let text = JSONLine(event: "x", [.init("name", .string(name))]).text
        #expect(text.unicodeScalars.allSatisfy { !TerminalText.isDangerous($0) })
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(parsed?["name"] as? String == name)
    }

    @Test func nestedValuesKeepTheirOrder() {
        let value = JSONValue.array([.object([.init("b", .bool(true)), .init("a", .array([]))]), .string("x")])
        #expect(JSONLine(event: "x", [.init("v", value)]).text.hasSuffix(#""v":[{"b":true,"a":[]},"x"]}"#))
    }
}
