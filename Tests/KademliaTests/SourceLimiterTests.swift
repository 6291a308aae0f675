import Primitives
import Testing

@testable import Kademlia

@Suite struct SourceLimiterTests {
    private func limiter(slots: Int = 1024) -> SourceLimiter {
        SourceLimiter(
            SourceLimiter.Rules(
                queriesPerSecond: 10, queryBurst: 60, bytesPerByte: 4, byteBurst: 4096, memory: .seconds(300),
                slotLimit: slots))
    }

    private func at(_ second: Double) -> Instant { .origin + .milliseconds(Int(second * 1000)) }

    /// How many queries of 100 bytes are admitted.
    private func admitted(_ limiter: inout SourceLimiter, _ source: UInt64, _ count: Int, at second: Double) -> Int {
        (0..<count).reduce(0) { sum, _ in
            sum + (limiter.entered(Self.key(source), byteCount: 100, now: at(second)) == nil ? 0 : 1)
        }
    }

    private func enter(_ limiter: inout SourceLimiter, _ source: UInt64, at second: Double) throws -> Int {
        let position = limiter.entered(Self.key(source), byteCount: 100, now: at(second))
        return try #require(position)
    }

    /// Any good mixture will do for a keyed hash.
    private static func key(_ source: UInt64) -> UInt64 { (source + 1) &* 0x9E37_79B9_7F4A_7C15 }

    @Test func aBurstThenTheRate() {
        var limiter = limiter()
        #expect(admitted(&limiter, 1, 100, at: 1) == 60)
        #expect(admitted(&limiter, 1, 100, at: 1.5) == 5)
        #expect(admitted(&limiter, 1, 100, at: 3.5) == 20)
        #expect(admitted(&limiter, 1, 100, at: 1000) == 60)
    }

    @Test func sourcesDoNotAffectEachOther() {
        var limiter = limiter()
        #expect((1...3).allSatisfy { admitted(&limiter, $0, 100, at: 1) == 60 })
    }

    @Test func bytesOutFollowBytesIn() throws {
        var limiter = limiter()
        let position = try enter(&limiter, 1, at: 1)
        #expect(limiter.room(at: position) == 4096)
        limiter.spent(4096, at: position)
        #expect(limiter.room(at: position) == 0)
        // Four bytes for each one, and none for time.
        let later = try enter(&limiter, 1, at: 200)
        #expect(limiter.room(at: later) == 400)
        limiter.spent(400, at: later)
        let forgotten = try enter(&limiter, 1, at: 501)
        #expect(limiter.room(at: forgotten) == 4096)
    }

    @Test func aProofHoldsForOnePortAndForAWhile() throws {
        var limiter = limiter()
        limiter.proved(Self.key(1), port: 7000, until: at(900), now: at(1))
        let position = try enter(&limiter, 1, at: 800)
        #expect(limiter.isProven(port: 7000, at: position, now: at(800)))
        #expect(!limiter.isProven(port: 7001, at: position, now: at(800)))
        #expect(!limiter.isProven(port: 7000, at: position, now: at(960)))
    }

    @Test func theTableStaysBoundedAndStillLimitsUnderAFloodOfSources() {
        var limiter = limiter(slots: 256)
        for source in 0..<20_000 as Range<UInt64> { _ = admitted(&limiter, source, 1, at: 1) }
        #expect(limiter.trackedCount <= 256)
        #expect(limiter.forgottenCount > 0)
        // One loud source among the flood is still held down, and one that proved its address is still known: neither
        // is ever the one of four that matters least.
        limiter.proved(Self.key(100), port: 7000, until: at(900), now: at(2))
        var loudCount = 0
        for source in 100_000..<102_000 as Range<UInt64> {
            loudCount += admitted(&limiter, 99, 1, at: 2)
            _ = admitted(&limiter, source, 1, at: 2)
        }
        #expect(loudCount <= 60)
        let position = limiter.entered(Self.key(100), byteCount: 100, now: at(2))
        #expect(position.map { limiter.isProven(port: 7000, at: $0, now: at(2)) } == true)
    }

    @Test func growthForgetsNobody() {
        var limiter = limiter(slots: 65536)
        let sources = 0..<3000 as Range<UInt64>
        #expect(sources.allSatisfy { admitted(&limiter, $0, 60, at: 1) == 60 })
        #expect(sources.allSatisfy { admitted(&limiter, $0, 1, at: 1) == 0 })
        #expect(limiter.forgottenCount == 0)
    }

    @Test func nothingIsHeldBeforeTheFirstSource() {
        #expect(limiter().trackedCount == 0)
        #expect(MemoryLayout<Boxed<AnswerBudget>>.size == 8 && MemoryLayout<Boxed<QueryBudget>>.size == 8)
    }
}
