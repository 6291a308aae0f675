import Primitives

/// When to ask the DHT for peers again: soon while no peer was found, at the announce interval afterwards.
struct PeerSearch {
    private let announceInterval: Duration
    private let retryMin: Duration
    private let retryMax: Duration
    private let announceRetryMin: Duration
    private var retryDelay: Duration
    private var announceRetryDelay: Duration
    private var isRunning = false
    /// The next lookup is for want of peers alone.
    private var lacksPeers = false
    private var nextStart: Instant

    /// What a lookup brought.
    enum Outcome {
        /// Enough is known to wait for the next announce.
        case satisfied
        /// The same, but so few nodes store our announce that others may not meet any of them.
        case announcedToFew
        case unsatisfied
        /// We are announced, and no peer gives us anything yet.
        case lacksPeers
    }

    init(configuration: Client.Configuration, now: Instant) {
        announceInterval = configuration.announceInterval
        retryMin = configuration.lookupRetryMin
        retryMax = configuration.lookupRetryMax
        announceRetryMin = configuration.announceRetryMin
        retryDelay = configuration.lookupRetryMin
        announceRetryDelay = configuration.announceRetryMin
        nextStart = now
    }

    var nextDeadline: Instant? { isRunning ? nil : nextStart }

    /// Returns true if a lookup is to be started now; `hasPeers` says that some peer has given us something lately.
    mutating func start(hasPeers: Bool, now: Instant) -> Bool {
        guard !isRunning, now >= nextStart else { return false }
        if lacksPeers, hasPeers {
            finished(.satisfied, now: now)
            return false
        }
        isRunning = true
        return true
    }

    /// The last peer is gone: no reason to wait for the next announce.
    mutating func starved(now: Instant) {
        if !isRunning { nextStart = min(nextStart, now + retryMin) }
    }

    /// Our link was lost and is back: what was found or announced meanwhile is little.
    mutating func networkReturned(now: Instant) {
        (retryDelay, announceRetryDelay) = (retryMin, announceRetryMin)
        if !isRunning { nextStart = min(nextStart, now) }
    }

    mutating func finished(_ outcome: Outcome, now: Instant) {
        isRunning = false
        lacksPeers = outcome == .lacksPeers
        switch outcome {
        case .satisfied:
            nextStart = now + announceInterval
            (retryDelay, announceRetryDelay) = (retryMin, announceRetryMin)
        case .announcedToFew:
            nextStart = now + announceRetryDelay
            retryDelay = retryMin
            announceRetryDelay = min(announceRetryDelay * 2, announceInterval)
        case .unsatisfied, .lacksPeers:
            nextStart = now + retryDelay
            retryDelay = min(retryDelay * 2, retryMax)
        }
    }
}
