/// The purity line: what a target may import, and what code above the line may not mention.
enum PurityRules {
    /// Modules of the system: free below the line, forbidden above it.
    private static let world: Set<String> = [
        "Foundation", "FoundationEssentials", "Glibc", "Dispatch", "Darwin", "Musl",
    ]

    /// Not a dependency of any kind: part of the language.
    private static let language: Set<String> = ["Swift", "Synchronization"]

    private static let forbiddenAbove: [(text: String, reason: String)] = [
        ("ContinuousClock", "reads a clock"),
        ("SuspendingClock", "reads a clock"),
        ("DispatchTime", "reads a clock"),
        ("clock_gettime", "reads a clock"),
        ("gettimeofday", "reads a clock"),
        ("Date(", "reads a clock"),
        ("SystemRandomNumberGenerator", "draws from the system's generator"),
        ("UUID(", "draws from the system's generator"),
        ("getrandom", "draws from the system's generator"),
        ("arc4random", "draws from the system's generator"),
        ("RAND_bytes", "draws from the system's generator"),
        ("Hasher(", "is seeded anew in each process"),
        (".hashValue", "is seeded anew in each process"),
        ("await ", "waits: no task crosses the line"),
        ("Task {", "starts a task"),
        ("Task.", "uses tasks"),
        ("Logger(", "logs"),
        ("print(", "prints"),
    ]

    /// Imports that the graph does not allow.
    static func imports(of source: SourceText, in graph: TargetGraph) -> [Finding] {
        guard let target = source.target.flatMap(graph.target) else { return [] }
        return source.code.enumerated().compactMap { index, line in
            guard let module = importedModule(line), !language.contains(module) else { return nil }
            if target.isPure, world.contains(module) {
                return source.finding(index, "\(target.name) is above the purity line and imports \(module)")
            }
            if world.contains(module) || target.targets.contains(module) || target.products.contains(module) {
                return nil
            }
            return source.finding(
                index, "\(target.name) imports \(module), which docs/architecture.md does not allow it")
        }
    }

    /// Clocks, randomness, tasks and output above the line.
    static func world(of source: SourceText, in graph: TargetGraph) -> [Finding] {
        guard let target = source.target.flatMap(graph.target), target.isPure else { return [] }
        return source.code.enumerated().flatMap { index, line in
            forbiddenAbove.filter { mentions($0.text, in: line) }.map {
                source.finding(index, "'\($0.text)' above the purity line: it \($0.reason)")
            }
        } + unseededDraws(in: source)
    }

    /// `.random(in: ...)` and its like without `using:`, also when the call spans lines.
    private static func unseededDraws(in source: SourceText) -> [Finding] {
        let text = source.code.joined(separator: "\n")
        return [".random(", ".shuffled(", ".shuffle(", ".randomElement("].flatMap { call in
            text.ranges(of: call).compactMap { range in
                guard !arguments(after: range.lowerBound, in: text).contains("using:") else { return nil }
                let line = text[..<range.lowerBound].count { $0 == "\n" }
                return source.finding(line, "'\(call)' above the purity line without `using:`")
            }
        }
    }

    /// What stands between the parentheses of the call that begins at `start`.
    private static func arguments(after start: String.Index, in text: String) -> Substring {
        var depth = 0
        var index = start
        while index < text.endIndex {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                depth -= 1
                if depth == 0 { break }
            }
            index = text.index(after: index)
        }
        return text[start..<index]
    }

    /// `Date(` must not match `Update(`.
    static func mentions(_ text: String, in line: String) -> Bool {
        line.ranges(of: text).contains { range in
            guard let first = text.first, first.isLetter, range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || before == "_")
        }
    }

    private static func importedModule(_ line: String) -> String? {
        let words = line.split(separator: " ")
        guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
        // `import struct Foundation.Date` and `import Foundation` alike.
        let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
        let name =
            kinds.contains(words[keyword + 1]) && keyword + 2 < words.count ? words[keyword + 2] : words[keyword + 1]
        return String(name.prefix { $0 != "." })
    }
}
