/// How often something is done to, or for, one host and one network: a burst, then once per interval.
///
/// Memory is bounded: an entry costs some 40 bytes and is dropped when its burst is whole again. When the table is full
/// of others, new hosts wait.
package struct HostBudget: Sendable {
    /// `burst` at once, then one more per `interval`.
    package struct Rate: Equatable, Sendable {
        package var burst: Int
        package var interval: Duration

        package init(burst: Int, per interval: Duration) {
            self.burst = burst
            self.interval = interval
        }
    }

    private struct Level {
        /// When the burst is whole again.
        var wholeAt: Instant
        /// Uses that success has earned, beyond the rate.
        var earned = 0
    }

    private let hostRate: Rate
    private let prefixRate: Rate
    private let entriesMax: Int
    private var hosts: [Endpoint: Level] = [:]
    private var prefixes: [Endpoint: Level] = [:]
    private var nextSweep = Instant.origin
    /// Uses that were refused.
    package private(set) var refusedCount = 0

    /// Earned uses of one host; a house of many peers needs no more at once.
    private static let earnedMax = 64
    /// How long unused earnings are kept.
    private static let earningsTime: Duration = .seconds(10 * 60)

    package init(host: Rate, prefix: Rate, entriesMax: Int) {
        hostRate = host
        prefixRate = prefix
        self.entriesMax = max(entriesMax, 1)
    }

    package var count: Int { max(hosts.count, prefixes.count) }

    /// Takes one use; when there is none, returns the time at which one is there.
    ///
    /// `reserve` uses of the host and of its network are left for others.
    package mutating func take(_ endpoint: Endpoint, leaving reserve: Int = 0, now: Instant) -> Instant? {
        let (host, prefix) = (endpoint.host, endpoint.prefix)
        if let wait = waitForRoom(host, prefix, now: now) ?? wait(for: endpoint, leaving: reserve, now: now) {
            refusedCount += 1
            return wait
        }
        Self.take(&hosts[host, default: Level(wholeAt: now)], hostRate, now: now)
        Self.take(&prefixes[prefix, default: Level(wholeAt: now)], prefixRate, now: now)
        return nil
    }

    /// When a use can be taken, nil if at once; nothing is taken or counted.
    package func wait(for endpoint: Endpoint, leaving reserve: Int = 0, now: Instant) -> Instant? {
        Self.wait(hosts[endpoint.host], hostRate, leaving: reserve, now: now)
            ?? Self.wait(prefixes[endpoint.prefix], prefixRate, leaving: reserve, now: now)
    }

    /// A use was good: its host and network may have `uses` more.
    package mutating func earned(_ uses: Int, by endpoint: Endpoint, now: Instant) {
        guard waitForRoom(endpoint.host, endpoint.prefix, now: now) == nil else { return }
        Self.earn(uses, &hosts[endpoint.host, default: Level(wholeAt: now)], now: now)
        Self.earn(uses, &prefixes[endpoint.prefix, default: Level(wholeAt: now)], now: now)
    }

    private static func wait(_ level: Level?, _ rate: Rate, leaving reserve: Int, now: Instant) -> Instant? {
        guard let level, level.earned == 0 else { return nil }
        let ready = level.wholeAt - rate.interval * max(rate.burst - 1 - reserve, 0)
        return ready > now ? ready : nil
    }

    private static func take(_ level: inout Level, _ rate: Rate, now: Instant) {
        if wait(Level(wholeAt: level.wholeAt), rate, leaving: 0, now: now) != nil {
            level.earned -= 1
        } else {
            level.wholeAt = max(level.wholeAt, now) + rate.interval
        }
    }

    private static func earn(_ uses: Int, _ level: inout Level, now: Instant) {
        level.earned = min(level.earned + uses, earnedMax)
        level.wholeAt = max(level.wholeAt, now)
    }

    /// Nil when both have entries, or there is room for them.
    private mutating func waitForRoom(_ host: Endpoint, _ prefix: Endpoint, now: Instant) -> Instant? {
        guard count >= entriesMax, hosts[host] == nil || prefixes[prefix] == nil else { return nil }
        if now >= nextSweep {
            nextSweep = now + .seconds(1)
            let isUsed = { (level: Level) in
                level.wholeAt + (level.earned > 0 ? Self.earningsTime : .zero) > now
            }
            hosts = hosts.filter { isUsed($0.value) }
            prefixes = prefixes.filter { isUsed($0.value) }
        }
        return count < entriesMax ? nil : nextSweep
    }
}
