/// A pattern for paths in a torrent, as shells have it: `*` and `?` within a name, `[a-z]` and `[!a-z]` for one
/// character, `**` for any folders, and a backslash before what is meant as it is.
///
/// Without a slash it is compared with each name of a path, with slashes from the top of the torrent, with or without
/// the torrent's own folder. What matches a folder matches all that is in it.
struct PathPattern: Hashable, Sendable {
    private enum Segment: Hashable, Sendable {
        case folders
        case name([Token])
    }

    fileprivate enum Token: Hashable, Sendable {
        case literal(Unicode.Scalar)
        case one
        case any
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private let segments: [Segment]
    private let isAnchored: Bool

    init(_ text: some StringProtocol) {
        let names = text.split(separator: "/").filter { $0 != "." }
        segments = names.map { $0 == "**" ? .folders : .name(Self.tokens(of: $0)) }
        isAnchored = text.contains("/")
    }

    /// `folder` is what the torrent itself is called, if it is a folder.
    func matches(_ path: [String], in folder: String?) -> Bool {
        guard !segments.isEmpty else { return false }
        guard isAnchored else { return path.contains { matchesTop([$0][...]) } }
        return matchesTop(path[...]) || folder.map { matchesTop([$0] + path) } ?? false
    }

    /// Whether the segments match some first components; one `**` at a time is taken back, so that it costs no more
    /// than segments times components.
    private func matchesTop(_ components: ArraySlice<String>) -> Bool {
        var (segment, component) = (0, components.startIndex)
        var retry: (segment: Int, component: Int)?
        while segment < segments.count {
            if case .folders = segments[segment] {
                segment += 1
                retry = (segment, component)
            } else if component < components.endIndex, case .name(let tokens) = segments[segment],
                Self.matches(tokens, components[component])
            {
                segment += 1
                component += 1
            } else if let last = retry, last.component < components.endIndex {
                retry = (last.segment, last.component + 1)
                (segment, component) = (last.segment, last.component + 1)
            } else {
                return false
            }
        }
        return true
    }

    private static func matches(_ tokens: [Token], _ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var (token, position) = (0, 0)
        var retry: (token: Int, position: Int)?
        while token < tokens.count || position < scalars.count {
            if token < tokens.count, case .any = tokens[token] {
                token += 1
                retry = (token, position)
            } else if token < tokens.count, position < scalars.count, tokens[token].matches(scalars[position]) {
                token += 1
                position += 1
            } else if let last = retry, last.position < scalars.count {
                retry = (last.token, last.position + 1)
                (token, position) = (last.token, last.position + 1)
            } else {
                return false
            }
        }
        return true
    }

    private static func tokens(of text: some StringProtocol) -> [Token] {
        let scalars = Array(text.unicodeScalars)
        var tokens: [Token] = []
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "\\" where index < scalars.count:
                tokens.append(.literal(scalars[index]))
                index += 1
            case "*": tokens.append(.any)
            case "?": tokens.append(.one)
            case "[":
                // Without its end, a bracket is a bracket.
                if let set = set(scalars, &index) { tokens.append(set) } else { tokens.append(.literal(scalar)) }
            default: tokens.append(.literal(scalar))
            }
        }
        return tokens
    }

    /// What is behind a bracket, up to the one that closes it.
    private static func set(_ scalars: [Unicode.Scalar], _ index: inout Int) -> Token? {
        var position = index
        let isNegated = position < scalars.count && (scalars[position] == "!" || scalars[position] == "^")
        if isNegated { position += 1 }
        let start = position
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while position < scalars.count, scalars[position] != "]" || position == start {
            let first = scalars[position]
            var last = first
            if position + 2 < scalars.count, scalars[position + 1] == "-", scalars[position + 2] != "]" {
                last = scalars[position + 2]
                position += 2
            }
            if first <= last { ranges.append(first...last) }
            position += 1
        }
        guard position < scalars.count else { return nil }
        index = position + 1
        return .set(ranges, isNegated: isNegated)
    }
}

extension PathPattern.Token {
    fileprivate func matches(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .literal(let wanted): scalar == wanted
        case .one, .any: true
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
