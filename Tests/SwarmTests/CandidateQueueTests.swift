import Primitives
import Swarm
import Testing

@Suite struct CandidateQueueTests {
    private let endpoints = (1...10).map { Endpoint.v4(1, 2, 3, UInt8($0), port: 6881) }

    @Test func freshOnesComeInOrderAndOnce() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for endpoint in endpoints + endpoints { _ = queue.found(endpoint) }
        #expect(queue.knownCount == 10)
        for endpoint in endpoints { #expect(queue.next(now: .origin) == endpoint) }
        #expect(queue.next(now: .origin) == nil)
    }

    @Test func failedOnesComeBackAfterADelayThatDoublesUntilGivenUp() {
        let configuration = Swarm.Configuration()
        var queue = CandidateQueue(configuration: configuration)
        #expect(queue.found(endpoints[0]) == true)
        var now = Instant.origin
        var delay = configuration.reconnectDelay
        for attempt in 1...configuration.connectAttemptsMax {
            #expect(queue.next(now: now) == endpoints[0])
            queue.failed(endpoints[0], now: now)
            guard attempt < configuration.connectAttemptsMax else { break }
            #expect(queue.nextRetry == now + delay)
            #expect(queue.next(now: now + delay - .nanoseconds(1)) == nil)
            now = now + delay
            delay = delay * 2
        }
        #expect(queue.nextRetry == nil)
        #expect(queue.found(endpoints[0]) == false)
        #expect(queue.next(now: now) == endpoints[0])
    }

    @Test func bannedOnesNeverComeBack() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        _ = queue.found(endpoints[0])
        _ = queue.next(now: .origin)
        queue.ban(endpoints[0])
        queue.failed(endpoints[0], now: .origin)
        #expect(queue.found(endpoints[0]) == false)
        #expect(queue.next(now: .distantFuture) == nil)
        #expect(queue.bannedCount == 1)
    }

    @Test func theNumberIsBounded() {
        var configuration = Swarm.Configuration()
        configuration.candidatesMax = 3
        var queue = CandidateQueue(configuration: configuration)
        #expect(endpoints.filter { queue.found($0) }.count == 3)
        #expect(queue.refusedCount == 7)
        #expect(queue.found(Endpoint.v4(9, 9, 9, 9, port: 0)) == false)
    }
}
