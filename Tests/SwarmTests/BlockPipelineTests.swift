import PeerProtocol
import Primitives
import Swarm
import Testing

@Suite struct BlockPipelineTests {
    private let start = Instant.origin
    private let block = BlockRequest.usualLength

    private func pipeline(initial: Int = 16, maximum: Int = 1_000) -> BlockPipeline {
        BlockPipeline(initial: initial, minimum: 2, maximum: maximum, queueTime: .milliseconds(300), now: start)
    }

    /// Lets `count` blocks through, one each `interval`, each on its way for so long as the blocks before it take.
    private func pass(
        _ count: Int, every interval: Duration, after delay: Duration, through pipeline: inout BlockPipeline,
        from now: inout Instant
    ) {
        for number in 1...count {
            now = now + interval
            pipeline.passed(block, since: now - delay - interval * min(number, pipeline.target), now: now)
        }
    }

    @Test func slowStartAddsOneForEachBlockWhileTheQueueIsShort() {
        var pipeline = pipeline()
        var now = start
        for number in 1...100 {
            now = now + .milliseconds(1)
            pipeline.passed(block, since: now - .milliseconds(20), now: now)
            #expect(pipeline.target == 16 + number)
        }
    }

    @Test func thenItHoldsWhatTheRateCarriesInTheTimeOfTheQueue() {
        var pipeline = pipeline()
        var now = start
        // A thousand blocks a second behind 20 ms: 320 of them, less what the quickest block tells of a queue.
        pass(5_000, every: .milliseconds(1), after: .milliseconds(20), through: &pipeline, from: &now)
        #expect((300...340).contains(pipeline.target), "\(pipeline.target)")
        // The share falls to a tenth, and the queue with it; and comes back.
        pass(500, every: .milliseconds(10), after: .milliseconds(20), through: &pipeline, from: &now)
        #expect((25...40).contains(pipeline.target), "\(pipeline.target)")
        pass(5_000, every: .milliseconds(1), after: .milliseconds(20), through: &pipeline, from: &now)
        #expect((300...340).contains(pipeline.target), "\(pipeline.target)")
    }

    @Test func aLongerWayIsNoQueueForEver() {
        var pipeline = pipeline()
        var now = start
        // As many as are on their way come at once, after 20 ms and then after a second, which the first half minute
        // takes for a queue: a shorter one would only slow the peer down.
        for _ in 0..<3 { answer(after: .milliseconds(20), through: &pipeline, at: &now) }
        let before = pipeline.target
        for _ in 0..<60 { answer(after: .seconds(1), through: &pipeline, at: &now) }
        #expect(pipeline.target > before)
    }

    private func answer(after time: Duration, through pipeline: inout BlockPipeline, at now: inout Instant) {
        let asked = now
        now = now + time
        for _ in 0..<pipeline.target { pipeline.passed(block, since: asked, now: now) }
    }

    @Test func neitherLimitIsPassed() {
        var quick = pipeline(maximum: 20)
        for _ in 0..<100 { quick.passed(block, since: start, now: start) }
        #expect(quick.target == 20)
        quick.maximum = 10
        #expect(quick.target == 10)
        var slow = pipeline()
        var now = start
        pass(5_000, every: .seconds(1), after: .zero, through: &slow, from: &now)
        #expect((2...3).contains(slow.target))
    }

    @Test func partsOfABlockCountForTheRateOnly() {
        var pipeline = pipeline()
        var now = start
        for _ in 0..<400 {
            now = now + .milliseconds(1)
            pipeline.passed(block, since: nil, now: now)
        }
        #expect(pipeline.target == 16)
        #expect(pipeline.bytesPerSecond == Double(block) * 1_000)
    }

    @Test func aPauseIsNotTheRate() {
        var pipeline = pipeline()
        var now = start
        for _ in 0..<2 {
            for _ in 0..<400 {
                now = now + .milliseconds(1)
                pipeline.passed(block, since: now - .milliseconds(20), now: now)
            }
            now = now + .seconds(30)
            pipeline.resumed(now: now)
        }
        #expect(pipeline.bytesPerSecond == Double(block) * 1_000)
    }

    @Test func whoStallsIsAskedForOneBlock() {
        var pipeline = pipeline()
        pipeline.stalled()
        #expect(pipeline.target == 1)
    }
}
