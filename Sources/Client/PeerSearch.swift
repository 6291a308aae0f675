import Primitives

/// When to ask the DHT for peers again: soon while nobody was found, at the announce interval afterwards.
struct PeerSearch {
    private let announceInterval: Duration
    private let retryMin: Duration
    private let retryMax: Duration
    private var retryDelay: Duration
    private var isRunning = false
    private var nextStart: Instant

    init(configuration: Client.Configuration, now: Instant) {
        announceInterval = configuration.announceInterval
        retryMin = configuration.lookupRetryMin
        retryMax = configuration.lookupRetryMax
        retryDelay = configuration.lookupRetryMin
        nextStart = now
    }

    var nextDeadline: Instant? { isRunning ? nil : nextStart }

    /// Returns true if a lookup is to be started now.
    mutating func start(now: Instant) -> Bool {
        guard !isRunning, now >= nextStart else { return false }
        isRunning = true
        return true
    }

    /// The last peer is gone: no reason to wait for the next announce.
    mutating func starved(now: Instant) {
        if !isRunning { nextStart = min(nextStart, now + retryMin) }
    }

    /// `isSatisfied`: enough is known to wait for the next announce.
    mutating func finished(isSatisfied: Bool, now: Instant) {
        isRunning = false
        if isSatisfied {
            nextStart = now + announceInterval
            retryDelay = retryMin
        } else {
            nextStart = now + retryDelay
            retryDelay = min(retryDelay * 2, retryMax)
        }
    }
}
