/// Names one connection, or attempt at one, for its whole life.
///
/// Never reused within a process.
package struct PeerHandle: Hashable, Comparable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static func < (left: PeerHandle, right: PeerHandle) -> Bool { left.rawValue < right.rawValue }
}

/// Names one torrent of a client; chosen by whoever adds it.
package struct TorrentHandle: Hashable, Comparable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static func < (left: TorrentHandle, right: TorrentHandle) -> Bool { left.rawValue < right.rawValue }
}
