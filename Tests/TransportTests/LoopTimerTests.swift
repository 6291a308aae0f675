import NIOCore
import NIOPosix
import Primitives
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct LoopTimerTests {
    private final class Counter {
        var fired = 0
    }

    /// Runs `body` on an event loop and returns how often the timer had fired after the pause, which begins when it has
    /// fired `count` times.
    private func fired(
        _ count: Int = 0, andAfter pause: Duration, _ body: @escaping @Sendable (LoopTimer) -> Void,
        again: @escaping @Sendable (LoopTimer) -> Void = { _ in }
    ) async throws -> Int {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let state = try await loop.submit {
            let counter = Counter()
            var timers: [LoopTimer] = []
            timers.append(
                LoopTimer(eventLoop: loop) {
                    counter.fired += 1
                    again(timers[0])
                })
            body(timers[0])
            return NIOLoopBound((counter, timers[0]), eventLoop: loop)
        }.get()
        while try await loop.submit({ state.value.0.fired }).get() < count {
            try await Task.sleep(for: .milliseconds(1))
        }
        try await Task.sleep(for: pause)
        return try await loop.submit {
            state.value.1.stop()
            return state.value.0.fired
        }.get()
    }

    @Test func aDeadlineFiresOnce() async throws {
        let count = try await fired(1, andAfter: .milliseconds(50)) { $0.set(LoopTimer.now + .milliseconds(5)) }
        #expect(count == 1)
    }

    @Test func anEarlierDeadlineReplacesALaterOne() async throws {
        let count = try await fired(1, andAfter: .milliseconds(50)) { timer in
            timer.set(LoopTimer.now + .seconds(3600))
            timer.set(LoopTimer.now + .milliseconds(5))
        }
        #expect(count == 1)
    }

    @Test func aLaterDeadlineReplacesAnEarlierOne() async throws {
        let count = try await fired(andAfter: .milliseconds(100)) { timer in
            timer.set(LoopTimer.now + .milliseconds(5))
            timer.set(LoopTimer.now + .seconds(3600))
        }
        #expect(count == 0)
    }

    @Test func noDeadlineMeansNever() async throws {
        let count = try await fired(andAfter: .milliseconds(50)) { timer in
            timer.set(LoopTimer.now + .milliseconds(5))
            timer.set(nil)
        }
        #expect(count == 0)
    }

    /// A machine that answers each timeout with a deadline in the past must not eat the loop.
    @Test func aDeadlineInThePastDoesNotSpin() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let count = try await fired(5, andAfter: .milliseconds(20)) {
            $0.set(.origin)
        } again: {
            $0.set(.origin)
        }
        let possible = (clock.now - start) / .microseconds(200)
        #expect(Double(count) <= possible)
    }
}
