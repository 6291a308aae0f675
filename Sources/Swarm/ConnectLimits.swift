package import Primitives

/// What the connections of all torrents of a client have in common: attempts at hosts and networks, and returns.
///
/// Whoever names peers decides which hosts we send packets to, so that the attempts at one host or network are limited
/// whatever torrent and source they come from. The owner of several swarms hands the same value to each of them in turn
/// (`Swarm.connectLimits`).
package struct ConnectLimits: Sendable {
    /// Limits of attempts and returns.
    package struct Configuration: Equatable, Sendable {
        /// Whether hosts have addresses of their own; in private networks many peers share one.
        package var countsHosts = false
        /// Attempts at one host, whatever the port: six at once, then six a minute.
        ///
        /// One that succeeds earns `earnedByHandshake` more, so that the peers behind one address are all reached.
        package var attemptsPerHost = HostBudget.Rate(burst: 6, per: .seconds(10))
        /// The same for a /24 or /56.
        package var attemptsPerPrefix = HostBudget.Rate(burst: 32, per: .seconds(2))
        /// Attempts at one address of a private network, whose /24 or /56 has no limit of its own.
        ///
        /// They do not hold while a torrent receives nothing: the one live peer may be behind any port.
        package var attemptsPerSharedHost = HostBudget.Rate(burst: 32, per: .milliseconds(500))
        /// Attempts at a host that are kept for other namers when a namer has caused one there lately.
        ///
        /// Dead ports that one namer names must not keep us from a live one that another names.
        package var leftForOtherNamers = 3
        /// The same when the DHT or a peer is the namer: kept for trackers and the user.
        package var leftForTrackers = 1
        package var earnedByHandshake = 2
        /// Attempts under way at the same time, of all torrents; each costs a socket.
        package var attemptsMax = 512
        /// Attempts of all torrents: a burst, then 200 a second.
        package var attemptsOfAll = HostBudget.Rate(burst: 600, per: .milliseconds(5))
        /// Connections that one host made to us and that ended soon and were of no use, before it has to wait.
        package var returnsPerHost = HostBudget.Rate(burst: 30, per: .seconds(10))
        package var returnsPerPrefix = HostBudget.Rate(burst: 120, per: .seconds(2))
        /// Hosts whose counts are remembered, of each kind: some 3 MB.
        package var hostsMax = 16_384

        package init() {}
    }

    private let configuration: Configuration
    private var attempts: HostBudget
    private var returns: HostBudget
    private var all: HostBudget
    private var calls = RecentCalls()
    private var underWay = 0
    /// Attempts that were put off.
    package private(set) var deferredCount = 0
    /// Callers that were refused since they had returned too often.
    package private(set) var returnsRefusedCount = 0

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        let counts = configuration.countsHosts
        attempts = HostBudget(
            host: counts ? configuration.attemptsPerHost : configuration.attemptsPerSharedHost,
            prefix: counts ? configuration.attemptsPerPrefix : configuration.attemptsOfAll,
            entriesMax: configuration.hostsMax)
        returns = HostBudget(
            host: configuration.returnsPerHost, prefix: configuration.returnsPerPrefix,
            entriesMax: configuration.hostsMax)
        all = HostBudget(host: configuration.attemptsOfAll, prefix: configuration.attemptsOfAll, entriesMax: 1)
    }

    /// An attempt that is wanted, and what speaks for it.
    struct Attempt {
        let endpoint: Endpoint
        /// The tracker, node or peer that named it.
        var namer: Endpoint?
        /// Named by a node of the DHT, or by a peer.
        var isNamedByStranger = false
        /// Its torrent receives nothing.
        var isUrgent = false
    }

    /// When attempts are too many of all torrents, so that none may begin now, the time for the next try.
    mutating func waitOfAll(now: Instant) -> Instant? {
        guard underWay < configuration.attemptsMax else { return now + Self.recheckInterval }
        return all.wait(for: Self.everything, now: now).map { max($0, now + Self.recheckIntervalMin) }
    }

    /// Begins an attempt; when its host or network has had too many, returns the time for the next try.
    mutating func begin(_ attempt: Attempt, now: Instant) -> Instant? {
        guard let wait = wait(for: attempt, now: now) else {
            underWay += 1
            return nil
        }
        deferredCount += 1
        // Soon, since a handshake with another peer of the host earns it more; and not each millisecond anew.
        return min(max(wait, now + Self.recheckIntervalMin), now + Self.recheckInterval)
    }

    private mutating func wait(for attempt: Attempt, now: Instant) -> Instant? {
        if configuration.countsHosts || !attempt.isUrgent {
            let naming = Naming(attempt.endpoint, by: attempt.namer)
            let isRepeated = calls.contains(naming, now: now)
            let reserve =
                isRepeated
                ? configuration.leftForOtherNamers : attempt.isNamedByStranger ? configuration.leftForTrackers : 0
            if let wait = attempts.take(attempt.endpoint, leaving: reserve, now: now) { return wait }
            calls.insert(naming)
        }
        return all.take(Self.everything, now: now)
    }

    /// An attempt that was put off is looked at again after this time.
    private static let recheckInterval = Duration.seconds(1)
    private static let recheckIntervalMin = Duration.milliseconds(100)
    /// Stands for all hosts.
    private static let everything = Endpoint.v4(0, 0, 0, 0, port: 0)

    /// The attempt is over, with a handshake or without.
    mutating func ended(_ endpoint: Endpoint, hasHandshake: Bool, now: Instant) {
        underWay -= 1
        if hasHandshake { attempts.earned(configuration.earnedByHandshake, by: endpoint, now: now) }
    }

    /// Whether a host may connect to us again.
    mutating func mayReturn(_ endpoint: Endpoint, now: Instant) -> Bool {
        guard configuration.countsHosts, returns.wait(for: endpoint, now: now) != nil else { return true }
        returnsRefusedCount += 1
        return false
    }

    /// A connection that this host made to us has ended soon, and was of no use.
    mutating func returned(_ endpoint: Endpoint, now: Instant) {
        if configuration.countsHosts { _ = returns.take(endpoint, now: now) }
    }
}

/// Which hosts were called lately because of which namers.
private struct RecentCalls {
    /// Calls of the present span, and of the one before.
    private var recent: Set<Naming> = []
    private var earlier: Set<Naming> = []
    private var spanEnd = Instant.origin

    private static let span: Duration = .seconds(60)
    /// Calls of a span that are remembered.
    private static let countMax = 4_096

    mutating func contains(_ naming: Naming, now: Instant) -> Bool {
        if now >= spanEnd || recent.count >= Self.countMax {
            // The calls of a span are forgotten once another span has passed since its end.
            earlier = now < spanEnd + Self.span ? recent : []
            (recent, spanEnd) = ([], now + Self.span)
        }
        return recent.contains(naming) || earlier.contains(naming)
    }

    mutating func insert(_ naming: Naming) { recent.insert(naming) }
}
