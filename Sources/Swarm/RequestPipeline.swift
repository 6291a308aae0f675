import PeerProtocol
package import Primitives

/// How many requests to keep outstanding at one peer.
///
/// Slow start: one more for each block that comes, until the rate stops growing; from then on as many as the rate
/// delivers in `queueTime`, between `minimum` and what the peer queues.
package struct RequestPipeline {
    private let minimum: Int
    private let queueTime: Duration
    /// Set by the peer's `reqq` (BEP 10) and our own limit.
    package var maximum: Int {
        didSet { target = min(target, maximum) }
    }
    package private(set) var target: Int
    package private(set) var meter: RateMeter
    private var isSlowStart = true
    private var previousRate = 0.0

    /// Growth below this many bytes per second and second counts as none, as in libtorrent.
    private static let noiseBytes = 5_000.0

    package init(_ configuration: Swarm.Configuration, now: Instant) {
        minimum = configuration.requestsMin
        queueTime = configuration.requestQueueTime
        maximum = min(configuration.requestsMax, configuration.requestQueueAssumed)
        target = min(configuration.requestsInitial, maximum)
        meter = RateMeter(now: now)
    }

    package mutating func received(_ bytes: Int, completesBlock: Bool, now: Instant) {
        let windowClosed = meter.add(bytes, now: now)
        if isSlowStart, completesBlock { target = min(target + 1, maximum) }
        guard windowClosed else { return }
        if isSlowStart, previousRate > 0, meter.latest < previousRate + Self.noiseBytes { isSlowStart = false }
        previousRate = meter.latest
        guard !isSlowStart else { return }
        let blocks = meter.bytesPerSecond * queueTime.inSeconds / Double(BlockRequest.usualLength)
        target = max(minimum, min(Int(min(blocks, 1e6)), maximum))
    }

    /// The peer went silent with requests outstanding: one request at a time until it delivers again.
    package mutating func snubbed() {
        target = 1
        isSlowStart = true
        previousRate = 0
    }
}
