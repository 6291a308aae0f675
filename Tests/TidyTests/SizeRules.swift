/// How long things may be, so that a reader can see them whole.
enum SizeRules {
    static let linesPerFile = 500
    static let linesPerFunction = 70
    static let columnsPerLine = 120
    static let linesOfReadme = 150

    static func fileLength(of source: SourceText) -> [Finding] {
        // The last element is what follows the final line break.
        let count = source.lines.last == "" ? source.lines.count - 1 : source.lines.count
        return count <= linesPerFile ? [] : [source.finding(0, "\(count) lines: at most \(linesPerFile) a file")]
    }

    static func lineLength(of source: SourceText) -> [Finding] {
        source.lines.enumerated().compactMap { index, line in
            line.count <= columnsPerLine
                ? nil : source.finding(index, "\(line.count) columns: at most \(columnsPerLine)")
        }
    }

    static func functionLength(of source: SourceText) -> [Finding] {
        functions(in: source).compactMap { function in
            let length = function.lastLine - function.firstLine + 1
            guard length > linesPerFunction else { return nil }
            return source.finding(function.firstLine, "a function of \(length) lines: at most \(linesPerFunction)")
        }
    }

    /// First and last lines of every function, initialiser and deinitialiser that has a body.
    static func functions(in source: SourceText) -> [(firstLine: Int, lastLine: Int)] {
        source.code.indices.compactMap { index in
            guard let column = declaration(in: source.code[index]) else { return nil }
            return bodyEnd(in: source.code, from: index, column: column).map { (index, $0) }
        }
    }

    /// Where the signature of a function starts on this line: right after its keyword.
    private static func declaration(in line: String) -> Int? {
        let words = line.split { " \t".contains($0) }
        for (position, word) in words.enumerated() {
            let isFunction = word == "func" && position + 1 < words.count
            let isInitialiser = ["init(", "init?(", "init<", "deinit"].contains { word.hasPrefix($0) }
            if isFunction || isInitialiser {
                return line.distance(from: line.startIndex, to: word.endIndex) - (isInitialiser ? word.count : 0)
            }
            guard modifiers.contains(where: { word.hasPrefix($0) }) else { return nil }
        }
        return nil
    }

    private static let modifiers = [
        "package", "public", "internal", "private", "fileprivate", "open", "static", "class", "mutating", "nonmutating",
        "borrowing", "consuming", "override", "final", "convenience", "required", "nonisolated", "isolated", "indirect",
        "@", "prefix", "postfix", "infix",
    ]

    /// The line that closes the body; none for a requirement of a protocol.
    private static func bodyEnd(in code: [String], from first: Int, column: Int) -> Int? {
        var round = 0
        var curly = 0
        for index in first..<code.count {
            let line = index == first ? code[index].dropFirst(column) : code[index][...]
            if index > first, round == 0, curly == 0, declaration(in: code[index]) != nil { return nil }
            for character in line {
                switch character {
                case "(", "[": round += 1
                case ")", "]": round -= 1
                case "{" where round == 0 || curly > 0: curly += 1
                case "}" where curly > 0:
                    curly -= 1
                    if curly == 0 { return index }
                case "}" where round == 0: return nil
                default: break
                }
            }
        }
        return nil
    }
}
