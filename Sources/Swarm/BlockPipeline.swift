import PeerProtocol
package import Primitives

/// How many blocks to keep on their way, asked of a peer or given to its socket.
///
/// Slow start: one more for each block that gets through, as long as blocks get through sooner than half the queue
/// that is wanted would let them; then as many as the rate carries in the quickest block's time and `queueTime`. A
/// deeper queue carries no more: it only makes what was chosen old when its turn comes.
package struct BlockPipeline {
    private let minimum: Int
    private let queueTime: Duration
    /// Reckoned once: dividing a duration is slow.
    private let halfQueueTime: Duration
    package var maximum: Int {
        didSet { target = min(target, maximum) }
    }
    package private(set) var target: Int
    private var rate: FlowRate
    /// The quickest blocks of this span and of the one before.
    private var quickestNow: Duration?
    private var quickestBefore: Duration?
    private var spanStart: Instant

    /// As long as BBR's: a way that has become longer must not look like a queue for ever.
    private static let span: Duration = .seconds(10)
    /// What takes longer is a queue: else a queue that never empties would be taken for the way, span after span.
    private static let wayMax: Duration = .seconds(2)

    package init(initial: Int, minimum: Int, maximum: Int, queueTime: Duration, now: Instant) {
        self.minimum = minimum
        self.queueTime = queueTime
        halfQueueTime = queueTime / 2
        self.maximum = maximum
        target = min(initial, maximum)
        rate = FlowRate(now: now)
        spanStart = now
    }

    /// The shortest time of a block on its way lately: that of the link, without a queue.
    package var quickest: Duration? {
        guard let quickestNow else { return quickestBefore }
        return quickestBefore.map { min($0, quickestNow) } ?? quickestNow
    }

    /// Nil while too little has got through.
    package var bytesPerSecond: Double? { rate.bytesPerSecond }

    /// Bytes got through; `since` is when the block was put on its way that they complete, nil if they complete none.
    package mutating func passed(_ bytes: Int, since start: Instant?, now: Instant) {
        let isNewRate = rate.add(bytes, now: now)
        guard let start else { return }
        let time = now - start
        let quickest = note(time, now: now)
        if time < quickest + halfQueueTime {
            target = min(target + 1, maximum)
        } else if isNewRate, let rate = rate.bytesPerSecond {
            let blocks = rate * (quickest + queueTime).inSeconds / Double(BlockRequest.usualLength)
            target = max(minimum, min(Int(min(blocks, 1e6)), maximum))
        }
    }

    private mutating func note(_ time: Duration, now: Instant) -> Duration {
        if now - spanStart >= Self.span { (quickestBefore, quickestNow, spanStart) = (quickestNow, nil, now) }
        quickestNow = quickestNow.map { min($0, time) } ?? time
        return min(quickest ?? time, Self.wayMax)
    }

    /// Blocks are on their way again after none was: what the pause lasted says nothing of the rate.
    package mutating func resumed(now: Instant) { rate.restart(now: now) }

    /// The peer went silent with blocks on their way: one at a time until it delivers again.
    package mutating func stalled() { target = 1 }
}
