/// Documents that point somewhere must point at something.
enum DocumentRules {
    /// Targets of Markdown links that stay within the repository, with their lines.
    static func localLinks(in text: String) -> [(line: Int, link: String)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            String(line).pieces(after: "](").compactMap { piece in
                let link = String(piece.prefix { $0 != ")" && $0 != "#" })
                guard piece.contains(")"), !link.isEmpty, !link.contains("://") else { return nil }
                return (index + 1, link)
            }
        }
    }

    static func brokenLinks(path: String, text: String, exists: (String) -> Bool) -> [Finding] {
        let folder = path.split(separator: "/").dropLast()
        return localLinks(in: text).compactMap { line, link in
            exists((folder + [Substring(link)]).joined(separator: "/"))
                ? nil : Finding(path: path, line: line, message: "the link \(link) leads nowhere")
        }
    }
}
