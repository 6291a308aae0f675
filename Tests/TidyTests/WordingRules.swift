/// Words that may not stay behind in a finished commit, and constructs that need a reason beside them.
enum WordingRules {
    /// Written in halves, so that this file does not find itself.
    private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

    /// Folders of one machine that no file of a package should know.
    private static let machinePaths = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/op" + "t/", "/tmp/pl" + "an"]

    private static let forbiddenCode = ["try!", "as!"]

    private static let wantsMessage = ["fatalError(", "preconditionFailure(", "assertionFailure("]

    private static let wantsComment = ["@unchecked", "nonisolated(unsafe)", "unsafeBitCast(", "@preconcurrency"]

    /// Only the programs and what they share may print.
    private static let printers: Set<String> = ["dhtnode", "magnetget", "CommandSupport"]

    static func unfinishedWork(path: String, text: String) -> [Finding] {
        occurrences(of: unfinished, wholeWords: true, path: path, text: text) { "'\($0)': finish it, or file an issue" }
    }

    static func machine(path: String, text: String) -> [Finding] {
        occurrences(of: machinePaths, wholeWords: false, path: path, text: text) { "'\($0)' is a path of one machine" }
    }

    static func traps(in source: SourceText) -> [Finding] {
        source.code.enumerated().flatMap { index, line in
            forbiddenCode.filter { PurityRules.mentions($0, in: line) }.map {
                source.finding(index, "'\($0)' may trap")
            }
                + wantsMessage.filter { line.contains("\($0))") || line.contains("\($0)\"\")") }.map {
                    source.finding(index, "'\($0)' without a reason")
                }
        }
    }

    /// A comment on the same line or on the one above, where several attributes may share one.
    static func unexplained(in source: SourceText) -> [Finding] {
        source.code.enumerated().flatMap { index, line in
            wantsComment.filter { line.contains($0) }.compactMap { construct in
                let above = index > 0 ? source.lines[index - 1] : ""
                guard !source.lines[index].contains("//"), !above.contains("//") else { return nil }
                return source.finding(index, "'\(construct)' without a comment that says why it is safe")
            }
        }
    }

    static func printing(in source: SourceText) -> [Finding] {
        guard let target = source.target, !printers.contains(target) else { return [] }
        return source.code.enumerated().flatMap { index, line in
            ["print(", "debugPrint(", "dump("].filter { PurityRules.mentions($0, in: line) }.map {
                source.finding(index, "'\($0)': only \(printers.sorted().joined(separator: ", ")) print")
            }
        }
    }

    private static func occurrences(
        of words: [String], wholeWords: Bool, path: String, text: String, message: (String) -> String
    ) -> [Finding] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            words.filter { word in
                wholeWords
                    ? line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == word }
                    : line.contains(word)
            }.map { Finding(path: path, line: index + 1, message: message($0)) }
        }
    }
}
