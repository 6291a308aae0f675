import Primitives

@testable import Storage

/// A file or folder of a `MemoryDisk`: as it is, as it is for certain, and what lies between the two.
struct MemoryNode {
    enum Kind { case file, directory }

    enum Change {
        case write([UInt8], at: Int)
        case resize(Int)
        case link(String, Int)
        case unlink(String)
        case rename(String, to: String)
    }

    let kind: Kind
    private(set) var content: [UInt8] = []
    private(set) var entries: [String: Int] = [:]
    private(set) var modified: Int64 = 0
    private var safe = Safe()
    private var unsafeChanges: [Change] = []

    private struct Safe {
        var content: [UInt8] = []
        var entries: [String: Int] = [:]
        var modified: Int64 = 0
    }

    /// What a disk writes as a whole.
    private static let sectorBytes = 64

    init(kind: Kind) {
        self.kind = kind
    }

    mutating func change(_ change: Change, at time: Int64 = 0) {
        Self.apply(change, &content, &entries)
        unsafeChanges.append(change)
        modified = time
    }

    mutating func synchronize() {
        unsafeChanges.removeAll()
        safe = Safe(content: content, entries: entries, modified: modified)
    }

    /// Keeps any subset of what was not synchronized, sector by sector; the time of the last change may be either.
    mutating func losePower(_ generator: inout SeededGenerator) {
        // Often nearly all, often nearly nothing: what lies between alone would miss the corners.
        let odds = [0, 8, 128, 248, 256][Int(generator.next() % 5)]
        for change in unsafeChanges {
            for part in Self.sectors(of: change) where Int(generator.next() & 255) < odds {
                Self.apply(part, &safe.content, &safe.entries)
            }
        }
        if generator.next() & 1 == 0 { safe.modified = modified }
        unsafeChanges.removeAll()
        (content, entries, modified) = (safe.content, safe.entries, safe.modified)
    }

    private static func sectors(of change: Change) -> [Change] {
        guard case .write(let bytes, let offset) = change else { return [change] }
        var parts: [Change] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + sectorBytes - (offset + start) % sectorBytes)
            parts.append(.write(Array(bytes[start..<end]), at: offset + start))
            start = end
        }
        return parts
    }

    private static func apply(_ change: Change, _ content: inout [UInt8], _ entries: inout [String: Int]) {
        switch change {
        case .write(let bytes, let offset):
            let missing = offset + bytes.count - content.count
            if missing > 0 { content.append(contentsOf: repeatElement(0, count: missing)) }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .resize(let length):
            if length < content.count { content.removeLast(content.count - length) }
            content.append(contentsOf: repeatElement(0, count: length - content.count))
        case .link(let name, let node): entries[name] = node
        case .unlink(let name): entries[name] = nil
        case .rename(let old, let new):
            guard let node = entries[old] else { return }
            entries[old] = nil
            entries[new] = node
        }
    }
}
