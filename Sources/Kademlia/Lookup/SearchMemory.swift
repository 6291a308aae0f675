import Primitives

/// What the node has learned from its queries and lookups, for the next ones.
struct SearchMemory: Sendable {
    var roundTrips = RoundTrips()
    /// The same of nodes that were only hearsay when they were asked: they are farther away than those we keep.
    var strangerRoundTrips = RoundTrips()
    var hearsay = HearsayShare()
    var cache = LookupCache()
    var failures: RecentFailures
    var sizeV4 = SizeEstimate()
    var sizeV6 = SizeEstimate()
    var durations = DurationHistogram()

    init(key: (UInt64, UInt64), mode: NetworkMode) {
        failures = RecentFailures(key: key, mode: mode)
    }

    /// The estimate of one family's network.
    subscript(family: Endpoint.Family) -> SizeEstimate {
        get { family == .v4 ? sizeV4 : sizeV6 }
        set { if family == .v4 { sizeV4 = newValue } else { sizeV6 = newValue } }
    }

    mutating func answered(
        after roundTrip: Duration, by endpoint: Endpoint, wasHearsay: Bool, stallQuantile: Double
    ) {
        roundTrips.record(roundTrip)
        failures.remove(endpoint)
        guard wasHearsay else { return }
        failures.settled(endpoint)
        strangerRoundTrips.record(roundTrip, stallQuantile: stallQuantile)
        hearsay.record(isAlive: true)
    }

    mutating func timedOut(_ endpoint: Endpoint, wasHearsay: Bool, _ rules: SearchRules, now: Instant) {
        failures.add(endpoint, rules, now: now)
        if wasHearsay { hearsay.record(isAlive: false) }
    }

    func describe(_ statistics: inout SearchStatistics) {
        statistics.roundTrips = roundTrips.histogram
        statistics.durations = durations
        statistics.networkSizeV4 = sizeV4.size
        statistics.networkSizeV6 = sizeV6.size
        statistics.hearsayShare = hearsay.value
        statistics.cachedLookups = cache.count
        statistics.evictedLookups = cache.evictedCount
        statistics.forgottenFailures = failures.forgottenCount
    }
}

/// What share of those answers whom we know only from others.
struct HearsayShare: Sendable {
    /// About the last hundred count.
    private static let fading: Float = 0.99

    // The prior is what others have measured: about half (mldht), on the word of 16.
    private var answered: Float = 8
    private var asked: Float = 16

    mutating func record(isAlive: Bool) {
        answered = answered * Self.fading + (isAlive ? 1 : 0)
        asked = asked * Self.fading + 1
    }

    var value: Double { Double(answered / asked) }
}
