import Primitives

/// Which files somebody wants, before the files are known: places in the list of files, and patterns for paths.
package struct FileSelection: Hashable, Sendable {
    fileprivate enum Term: Hashable, Sendable {
        /// Indices into `Info.files`; the end may be beyond it.
        case indices(ClosedRange<Int>)
        case pattern(PathPattern)
    }

    fileprivate struct Wish: Hashable, Sendable {
        let text: String
        let term: Term
    }

    private var wishes: [Wish] = []

    /// A selection that is none.
    package enum Failure: Error, Hashable, Sendable {
        case empty
        /// `0`, or a range that ends before it begins.
        case range(String)
        case tooMany(limit: Int)
    }

    /// Reads what a user gives: patterns, and the numbers of `--list` (from 1) as `3`, `3-7` or `3-`, with commas
    /// between; a backslash before a comma keeps it.
    package init(_ texts: [String]) throws(Failure) {
        for item in texts.flatMap(Self.items) {
            guard wishes.count < MetainfoLimits.selectionTerms else {
                throw .tooMany(limit: MetainfoLimits.selectionTerms)
            }
            wishes.append(Wish(text: item, term: try Self.term(item)))
        }
        guard !wishes.isEmpty else { throw .empty }
    }

    /// None yet.
    init() {}

    var isEmpty: Bool { wishes.isEmpty }

    /// Takes one part of `so` of a magnet (BEP 53), a number from 0 or a range; false when it is something else, or one
    /// too many.
    mutating func add(selectOnly item: Substring) -> Bool {
        guard wishes.count < MetainfoLimits.selectionTerms, let range = Self.range(item, isOpenAllowed: false)
        else { return false }
        wishes.append(Wish(text: String(item), term: .indices(range)))
        return true
    }

    /// `so` of a magnet, where all of this is numbers.
    var selectOnly: String? {
        var items: [String] = []
        for wish in wishes {
            guard case .indices(let range) = wish.term, range.upperBound < MetainfoLimits.files else { return nil }
            items.append(
                range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)")
        }
        return items.joined(separator: ",")
    }

    /// The files of a torrent that are meant; throws when there is none.
    package func files(of info: Info) throws(Mismatch) -> SelectedFiles {
        var chosen = Bitfield(count: info.files.count)
        var unmatched: [String] = []
        // Ranges of a magnet may be many, long and the same: the files are walked once for all of them.
        var ranges = RangeMarks(info)
        for wish in wishes {
            let isFound =
                switch wish.term {
                case .indices(let range): ranges.mark(range)
                case .pattern(let pattern): pattern.mark(in: info, &chosen)
                }
            if !isFound { unmatched.append(wish.text) }
        }
        ranges.copy(to: &chosen, info)
        guard !chosen.isEmpty else { throw Mismatch(wishes: unmatched, info: info) }
        var selected = SelectedFiles(info) { chosen[$0] }
        selected.unmatched = unmatched
        return selected
    }

    /// Nothing in the torrent is what was asked for.
    package struct Mismatch: Error, Hashable, Sendable {
        package let wishes: [String]
        /// Paths of the first files that there are, numbered as `--list` does; from the network.
        package let examples: [String]
        package let fileCount: Int

        init(wishes: [String], info: Info) {
            self.wishes = wishes
            let stored = info.files.indices.lazy.filter { info.files[$0].isStored }
            examples = stored.prefix(5).map { "\($0 + 1) \(info.files[$0].path.joined(separator: "/"))" }
            fileCount = stored.count
        }
    }

    // MARK: Reading

    /// Splits at commas that have no backslash before them.
    private static func items(_ text: String) -> [String] {
        var items = [""]
        var isEscaped = false
        for character in text {
            if character == ",", !isEscaped {
                items.append("")
            } else {
                items[items.count - 1].append(character)
            }
            isEscaped = character == "\\" && !isEscaped
        }
        return items.filter { !$0.isEmpty }
    }

    private static func term(_ item: String) throws(Failure) -> Term {
        guard item.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }),
            item.utf8.contains(where: { $0 != UInt8(ascii: "-") })
        else { return .pattern(PathPattern(item)) }
        guard let range = range(item[...], isOpenAllowed: true), range.lowerBound > 0 else { throw .range(item) }
        return .indices(range.lowerBound - 1...range.upperBound - 1)
    }

    /// `3`, `3-7`, or `3-` where that is allowed.
    private static func range(_ text: Substring, isOpenAllowed: Bool) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = ends.first.flatMap(number) else { return nil }
        guard ends.count == 2 else { return first...first }
        if isOpenAllowed, ends[1].isEmpty { return first...MetainfoLimits.files }
        guard let last = number(ends[1]), last >= first else { return nil }
        return first...last
    }

    /// Digits that are no more than a torrent may have files.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text),
            number <= MetainfoLimits.files
        else { return nil }
        return number
    }
}

extension PathPattern {
    /// Chooses the files that match; false when there is none.
    fileprivate func mark(in info: Info, _ chosen: inout Bitfield) -> Bool {
        var isFound = false
        for (index, file) in info.files.enumerated() where file.isStored {
            guard matches(file.path, in: info.isSingleFile ? nil : info.name) else { continue }
            chosen[index] = true
            isFound = true
        }
        return isFound
    }
}

/// Which files lie in any of several ranges.
private struct RangeMarks {
    /// How many stored files there are before each.
    private var storedBefore = [0]
    /// Ranges that begin at a file, less those that ended before it.
    private var edges: [Int]

    init(_ info: Info) {
        edges = Array(repeating: 0, count: info.files.count + 1)
        storedBefore.reserveCapacity(edges.count)
        var stored = 0
        for file in info.files {
            stored += file.isStored ? 1 : 0
            storedBefore.append(stored)
        }
    }

    /// False when there is no stored file in the range.
    mutating func mark(_ range: ClosedRange<Int>) -> Bool {
        let end = min(range.upperBound, edges.count - 2) + 1
        guard range.lowerBound < end else { return false }
        edges[range.lowerBound] += 1
        edges[end] -= 1
        return storedBefore[end] > storedBefore[range.lowerBound]
    }

    func copy(to chosen: inout Bitfield, _ info: Info) {
        var depth = 0
        for (index, file) in info.files.enumerated() {
            depth += edges[index]
            if depth > 0, file.isStored { chosen[index] = true }
        }
    }
}

extension FileSelection.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the selection is empty"
        case .range(let text): "'\(text)' is no range of files: they are counted from 1, as in 3, 3-7 or 3-"
        case .tooMany(let limit): "the selection has more than \(limit) parts"
        }
    }
}

extension FileSelection.Mismatch: CustomStringConvertible {
    /// One sentence that says what there is instead.
    package var description: String {
        let wanted = wishes.prefix(3).map { "'\($0)'" }.joined(separator: ", ") + (wishes.count > 3 ? ", …" : "")
        let there = examples.joined(separator: ", ") + (fileCount > examples.count ? ", …" : "")
        let count = fileCount == 1 ? "the one file" : "any of \(fileCount) files"
        return fileCount == 0 ? "the torrent has no file" : "\(wanted) does not match \(count): \(there)"
    }
}
