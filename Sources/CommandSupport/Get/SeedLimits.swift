/// When seeding ends by itself; what comes first ends it.
package struct SeedLimits: Equatable, Sendable {
    /// So many times the torrent's size was uploaded in this run.
    package var ratio: Double?
    /// So long after everything was there.
    package var time: Duration?

    package init(ratio: Double? = nil, time: Duration? = nil) {
        self.ratio = ratio
        self.time = time
    }

    /// Whether so many bytes are enough; nothing is enough of an empty torrent.
    func isReached(uploaded: Int, size: Int) -> Bool {
        guard let ratio, size > 0 else { return false }
        return Double(uploaded) >= ratio * Double(size)
    }
}
