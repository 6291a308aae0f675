/// A Swift file as it is, and with comments and the text of string literals blanked out.
///
/// So rules about code do not trip over prose. Code inside `\(...)` of a string stays.
struct SourceText {
    let path: String
    let lines: [String]
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var blanker = Blanker(text: Array(text.unicodeScalars))
        code = blanker.blanked().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The folder below `Sources`, or nothing for other files.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    func finding(_ index: Int, _ message: String) -> Finding {
        Finding(path: path, line: index + 1, message: message)
    }
}

/// Replaces comments and string text by spaces; line breaks stay where they are.
private struct Blanker {
    let text: [Unicode.Scalar]
    private var position = 0
    private var output = String.UnicodeScalarView()

    init(text: [Unicode.Scalar]) {
        self.text = text
    }

    mutating func blanked() -> String {
        code(untilParenthesis: false)
        return String(output)
    }

    /// Copies code up to the end, or to the parenthesis that closes an interpolation.
    private mutating func code(untilParenthesis: Bool) {
        var depth = 0
        while position < text.count {
            if starts("//") {
                blank { !$0.starts("\n") }
            } else if starts("/*") {
                blockComment()
            } else if let hashes = openingQuote() {
                string(hashes: hashes)
            } else {
                if text[position] == "(" { depth += 1 }
                if text[position] == ")" { depth -= 1 }
                if untilParenthesis, depth < 0 { return }
                copy()
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(count: 2)
            } else if starts("*/") {
                depth -= 1
                blank(count: 2)
            } else {
                blank(count: 1)
            }
        } while depth > 0 && position < text.count
    }

    /// The number of `#` before a quote that starts here.
    private func openingQuote() -> Int? {
        var index = position
        while index < text.count, text[index] == "#" { index += 1 }
        return index < text.count && text[index] == "\"" ? index - position : nil
    }

    private mutating func string(hashes: Int) {
        for _ in 0..<hashes { copy() }
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        for _ in quote.unicodeScalars { copy() }
        let end = quote + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        while position < text.count, !starts(end) {
            if starts(escape + "(") {
                blank(count: escape.unicodeScalars.count)
                copy()
                code(untilParenthesis: true)
                if position < text.count { copy() }
            } else if starts(escape) {
                blank(count: escape.unicodeScalars.count + 1)
            } else if quote == "\"", starts("\n") {
                return
            } else {
                blank(count: 1)
            }
        }
        for _ in end.unicodeScalars where position < text.count { copy() }
    }

    private func starts(_ prefix: String) -> Bool {
        var index = position
        for scalar in prefix.unicodeScalars {
            guard index < text.count, text[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    private mutating func copy() {
        output.append(text[position])
        position += 1
    }

    private mutating func blank(count: Int) {
        for _ in 0..<count where position < text.count {
            output.append(text[position] == "\n" ? "\n" : " ")
            position += 1
        }
    }

    private mutating func blank(while condition: (Blanker) -> Bool) {
        while position < text.count, condition(self) { blank(count: 1) }
    }
}
