import Kademlia
import Primitives
import Testing

@Suite struct SourceLimiterTests {
    private func limiter(slots: Int = 1024) -> SourceLimiter {
        SourceLimiter(queriesPerSecond: 10, burst: 60, slotLimit: slots, key: (1, 2))
    }

    private func admitted(_ limiter: inout SourceLimiter, _ source: Endpoint, _ count: Int, at second: Double) -> Int {
        let now = Instant.origin + .milliseconds(Int(second * 1000))
        return (0..<count).reduce(0) { sum, _ in sum + (limiter.admits(source, now: now) ? 1 : 0) }
    }

    @Test func aBurstThenTheRate() {
        var limiter = limiter()
        let source = Endpoint.v4(44, 0, 0, 1, port: 0)
        #expect(admitted(&limiter, source, 100, at: 1) == 60)
        #expect(admitted(&limiter, source, 100, at: 1.5) == 5)
        #expect(admitted(&limiter, source, 100, at: 3.5) == 20)
        #expect(admitted(&limiter, source, 100, at: 1000) == 60)
    }

    @Test func sourcesDoNotAffectEachOther() {
        var limiter = limiter()
        #expect(admitted(&limiter, .v4(44, 0, 0, 1, port: 0), 100, at: 1) == 60)
        #expect(admitted(&limiter, .v4(44, 0, 0, 2, port: 0), 60, at: 1) == 60)
        #expect(admitted(&limiter, .v6(EndpointV6(high: 1, low: 2, port: 0)), 60, at: 1) == 60)
    }

    @Test func theTableStaysBoundedAndStillLimitsUnderAFloodOfSources() {
        var limiter = limiter(slots: 256)
        for number in 0..<20_000 {
            _ = limiter.admits(.v4(EndpointV4(address: UInt32(number), port: 0)), now: .origin + .seconds(1))
        }
        #expect(limiter.trackedSourceCount <= 256)
        #expect(limiter.forgottenCount > 0)
        // One loud source among the flood is still held down: it is never the fullest bucket of its four.
        let loud = Endpoint.v4(44, 0, 0, 1, port: 0)
        var loudCount = 0
        for number in 0..<2000 {
            if limiter.admits(loud, now: .origin + .seconds(2)) { loudCount += 1 }
            _ = limiter.admits(.v4(EndpointV4(address: UInt32(100_000 + number), port: 0)), now: .origin + .seconds(2))
        }
        #expect(loudCount <= 60)
    }

    @Test func growthForgetsNobody() {
        var limiter = limiter(slots: 65536)
        let sources = (0..<3000).map { Endpoint.v4(EndpointV4(address: UInt32($0), port: 0)) }
        #expect(sources.allSatisfy { admitted(&limiter, $0, 60, at: 1) == 60 })
        #expect(sources.allSatisfy { admitted(&limiter, $0, 1, at: 1) == 0 })
        #expect(limiter.forgottenCount == 0)
    }
}
