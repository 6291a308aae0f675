import Testing

@testable import CommandSupport

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ("plain name.txt", "plain name.txt"),
        ("\u{1B}[31mred\u{1B}[0m", "\\u{1B}[31mred\\u{1B}[0m"),
        ("two\nlines\r", "two\\u{A}lines\\u{D}"),
        ("\u{9B}2J", "\\u{9B}2J"),
        ("\u{7F}", "\\u{7F}"),
        ("gpj.\u{202E}exe", "gpj.\\u{202E}exe"),
        ("\u{2066}isolated\u{2069}", "\\u{2066}isolated\\u{2069}"),
        ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
        ("\u{FEFF}", "\\u{FEFF}"),
    ])
    func controlsAndBidirectionalMarksAreEscaped(text: String, expected: String) {
        #expect(TerminalText.escaped(text) == expected)
    }

    @Test(arguments: ["Größe", "日本語", "نام\u{200C}ها", "👩\u{200D}🔬", "naïve – “quotes”"])
    func textOfAnyScriptIsKept(text: String) {
        #expect(TerminalText.escaped(text) == text)
    }

    @Test func noByteBelowBlankSurvives() {
        for value in (0..<0x20).map({ UInt32($0) }) + Array(0x7F...0x9F) {
            let escaped = TerminalText.escaped("x" + String(Unicode.Scalar(value).map(Character.init) ?? "?") + "y")
            #expect(escaped.unicodeScalars.allSatisfy { !TerminalText.isDangerous($0) })
        }
    }

    @Test(arguments: [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👩\u{200D}🔬", 2), ("", 0), ("Größe", 5)])
    func widthCountsColumns(text: String, columns: Int) {
        #expect(TerminalText.width(of: text) == columns)
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("abcdef", 0, ""),
        ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"),
    ])
    func truncationNeverExceedsTheColumns(text: String, columns: Int, expected: String) {
        #expect(TerminalText.truncated(text, to: columns) == expected)
    }
}
