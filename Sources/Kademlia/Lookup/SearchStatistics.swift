/// How the lookups fared, and what is known from them; counters only ever grow.
package struct SearchStatistics: Equatable, Sendable {
    /// Lookups of the caller and of the node itself, by how they ended.
    package var started = 0
    package var finished = 0
    /// Those that nobody answered.
    package var failed = 0
    package var cancelled = 0
    /// How long those that somebody answered took, the recent ones foremost.
    package var durations = DurationHistogram()

    /// Lookups that began where an earlier one for the same target had ended.
    package var cacheHits = 0
    package var cachedLookups = 0
    /// Remembered lookups that made room for later ones.
    package var evictedLookups = 0
    /// Candidates that were not asked because they had been silent a short while before.
    package var passedOver = 0
    /// Silent endpoints that were forgotten to remember others.
    package var forgottenFailures = 0
    /// Silent candidates that were asked again.
    package var resends = 0
    /// Lookups whose nearest nodes looked like sybils.
    package var besieged = 0
    /// Nodes that an announce was sent to besides the k nearest.
    package var storesBeyondNearest = 0

    /// Round trips of all queries, the recent ones foremost.
    package var roundTrips = DurationHistogram()
    /// What share of those answers whom we know only from others.
    package var hearsayShare = 0.0
    /// Nil before the first lookup.
    package var networkSizeV4: NetworkSize?
    package var networkSizeV6: NetworkSize?

    package init() {}
}
