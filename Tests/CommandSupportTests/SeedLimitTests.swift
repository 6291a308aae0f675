import ArgumentParser
import Metainfo
import Primitives
import Swarm
import Testing

@testable import CommandSupport

/// When seeding ends by itself, what `seed` refuses, and lists of sources.
@Suite struct SeedLimitTests {
    private let info: Info

    init() throws {
        let builder = InfoBuilder(name: "f", length: 100, pieceLength: 16 << 10)
        info = try builder.info(pieceHashes: [.zero])
    }

    private func at(_ seconds: Double) -> Instant { .origin + .seconds(seconds) }

    private func seeding(_ limits: SeedLimits) -> GetRun {
        var plan = GetPlan(infoHash: info.infoHash)
        plan.info = info
        plan.goal = .seeding
        plan.seedLimits = limits
        var run = GetRun(plan, now: at(0))
        run.happened(.storageOpened(verifiedPieces: 1), now: at(1))
        run.happened(.completed, now: at(2))
        return run
    }

    @Test func seedingEndsWhenItsTimeIsOver() {
        var run = seeding(SeedLimits(time: .seconds(10)))
        #expect(run.stage == .seeding && run.nextDeadline == at(12))
        run.timedOut(now: at(11.9))
        #expect(run.outcome == nil)
        run.timedOut(now: at(12))
        #expect(run.outcome?.status == .done && run.outcome?.message == "stopped seeding after 10 s: 0 B uploaded")
    }

    @Test func seedingEndsAtTheRatio() {
        var run = seeding(SeedLimits(ratio: 1.5))
        #expect(run.nextDeadline == nil)
        var snapshot = TorrentSnapshot()
        snapshot.uploadedBytes = 149
        run.observed(snapshot, now: at(3))
        #expect(run.outcome == nil)
        snapshot.uploadedBytes = 150
        run.observed(snapshot, now: at(4))
        #expect(run.outcome?.status == .done && run.outcome?.stage == .seeding)
    }

    @Test func nothingIsEnoughOfAnEmptyTorrent() {
        #expect(!SeedLimits(ratio: 1).isReached(uploaded: 0, size: 0))
        #expect(!SeedLimits().isReached(uploaded: 1_000, size: 1))
    }

    @Test func seedRefusesWhatIsNotAllThere() {
        var plan = GetPlan(infoHash: info.infoHash)
        plan.info = info
        plan.goal = .seeding
        plan.seedsOnly = true
        var run = GetRun(plan, now: at(0))
        run.foundOnDisk(Bitfield(count: 1))
        #expect(run.outcome?.status == .badContent)
        #expect(run.outcome?.message == "f is not all there: 0 of 1 piece verified")
        var complete = GetRun(plan, now: at(0))
        complete.foundOnDisk(Bitfield(filled: 1))
        #expect(complete.outcome == nil)
        var other = GetRun(plan, now: at(0))
        other.contentIsWrong(path: "d/f\n")
        #expect(other.outcome?.status == .badContent && other.outcome?.message.hasPrefix("d/f\\u{A} is not") == true)
    }

    @Test(arguments: [["--seed-ratio", "0"], ["--seed-ratio=-1"], ["--seed-ratio", "inf"], ["--seed-time", "0"]])
    func nonsenseIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try SeedOptions.parse(arguments) }
    }

    @Test func limitsAreParsed() throws {
        #expect(try !SeedOptions.parse([]).isGiven)
        let options = try SeedOptions.parse(["--seed-ratio", "1.5", "--seed-time", "60"])
        #expect(options.isGiven && options.limits == SeedLimits(ratio: 1.5, time: .seconds(60)))
    }

    @Test func listsHaveOneSourceALine() {
        #expect(SourceList.parse("") == [])
        #expect(SourceList.parse("# no\n\n a b \r\n\t#no\nmagnet:?x#y\nlast") == ["a b", "magnet:?x#y", "last"])
    }
}
