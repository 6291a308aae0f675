/// Something in a magnet link that makes no sense and was left out; the rest of the link holds.
package struct MagnetRemark: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        /// An `xt=urn:btih:…` that is no infohash, beside a good one.
        case infoHash
        /// An `x.pe` that is no `host:port`.
        case peerAddress
        /// A part of `so` that is no number and no range, or an empty `so`.
        case selection
        /// Trackers, web seeds or peers beyond `MetainfoLimits.sources`.
        case sources
    }

    package let part: Part
    /// The first that was left out, from the link and unescaped; cut short.
    package let example: String
    package internal(set) var count: Int

    init(_ part: Part, example: String, count: Int = 1) {
        self.part = part
        self.example = example
        self.count = count
    }
}

extension MagnetRemark: CustomStringConvertible {
    /// What was left out and how it should look.
    package var description: String {
        switch part {
        case .infoHash: "left out the infohash '\(example)', which is broken; the link has a good one"
        case .peerAddress:
            "left out \(named("peer address", "peer addresses")): "
                + "expected host:port, 1.2.3.4:port or [2001:db8::1]:port"
        case .selection where example.isEmpty: "left out the empty selection of files (so)"
        case .selection: "left out \(named("part", "parts")) of the selection of files (so): expected 0,2,4-6"
        case .sources:
            "left out \(count) more trackers, web seeds or peers: at most \(MetainfoLimits.sources) of each are used"
        }
    }

    private func named(_ one: String, _ several: String) -> String {
        count == 1 ? "the \(one) '\(example)'" : "\(count) \(several), the first of them '\(example)'"
    }
}
