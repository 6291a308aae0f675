import Primitives
import Simulator
import Swarm
import Testing

/// Small swarms of whole clients, from the first call to the last piece.
@Suite struct SwarmTests {
    /// Ten downloaders of 4 MB behind links of 8 Mbit/s up and 80 down; the seed has 16.
    private func options(seed: UInt64 = 1) -> SwarmOptions {
        var options = SwarmOptions()
        options.seed = seed
        options.downloaders = 10
        options.byteCount = 4_000_000
        options.pieceLength = 64 << 10
        options.seedRate = 2e6
        options.upRate = 1e6
        options.downRate = 10e6
        return options
    }

    /// Fewer places than peers, given anew often: small torrents are over before the usual ten seconds are.
    private func compete(_ options: inout SwarmOptions) {
        options.swarm.uploadSlots = 2
        options.swarm.chokeInterval = .seconds(1)
        options.swarm.optimisticInterval = .seconds(3)
    }

    private func run(_ options: SwarmOptions) throws -> SwarmReport {
        var download = try SwarmDownload(options)
        return download.run()
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func everybodyGetsEverythingAndNobodyBeatsTheBound(seed: UInt64) throws {
        let report = try run(options(seed: seed))
        #expect(report.unfinished == 0 && report.completionSeconds.count == 10)
        #expect(report.ratio >= 1 && report.ratio < 3, "\(report.ratio)")
        #expect(report.completionSeconds == report.completionSeconds.sorted())
        // Each byte was wanted once; the end game asks for some more often.
        #expect(report.payloadBytes - report.wastedBytes == 40_000_000 && report.wastedBytes < 20_000_000)
        #expect(report.seedBytes >= 4_000_000 && report.seedBytes + report.peerBytes > 40_000_000)
        #expect(report.timeline.last.map { $0.verifiedPieces <= 620 } == true)
    }

    @Test func theSeedDecides() throws {
        let first = try run(options(seed: 5))
        #expect(try run(options(seed: 5)) == first)
        #expect(try run(options(seed: 6)).digest != first.digest)
    }

    @Test func stepsOfAnySizeAreTheSameRun() throws {
        var download = try SwarmDownload(options())
        while download.advance(events: 500) {}
        #expect(download.finish() == (try run(options())))
    }

    @Test func freeRidersAreServedAndServeNobody() throws {
        var options = options()
        options.downloaders = 8
        options.freeRiders = 2
        compete(&options)
        let report = try run(options)
        #expect(report.unfinished == 0 && report.freeRiderSeconds.count == 2)
        #expect(report.ratio >= 1)
    }

    @Test func liarsAreFoundAndDropped() throws {
        var options = options()
        options.liars = 1
        let report = try run(options)
        #expect(report.unfinished == 0 && report.wastedBytes > 64 << 10)
        // One liar has ten victims, and each believes it for a few pieces at most.
        #expect(report.wastedBytes < 20_000_000, "\(report.wastedBytes)")
    }

    @Test func aSlowDiskStopsReadingAndEverythingStillArrives() throws {
        var options = options()
        options.seedRate = 20e6
        options.upRate = 10e6
        options.diskRate = 500_000
        options.swarm.storageBacklogBytesMax = 512 << 10
        let report = try run(options)
        #expect(report.unfinished == 0 && report.pauses >= 10)
        #expect(report.lastSeconds >= 8 && report.lastSeconds < 10, "\(report.lastSeconds)")
        // Reading stops at the limit; what is over it came within one tick.
        #expect(report.largestDiskBacklogBytes < 2 << 20, "\(report.largestDiskBacklogBytes)")
    }

    @Test func mechanismsCanBeSwitchedOff() throws {
        var base = options()
        // The run is shorter than the usual round, and ten peers would all have a place.
        base.swarm.chokeInterval = .seconds(1)
        base.swarm.uploadSlots = 3
        let digest = try run(base).digest
        let changes: [(inout Swarm.Configuration) -> Void] = [
            { $0.picksRarestFirst = false }, { $0.usesTitForTat = false }, { $0.duplicateRequestsMax = 1 },
        ]
        for change in changes {
            var options = base
            change(&options.swarm)
            let report = try run(options)
            #expect(report.unfinished == 0 && report.digest != digest && report.ratio >= 1)
        }
    }

    @Test func whoServesNobodyKeepsASwarmFromHelpingItself() throws {
        var options = options()
        options.downloaders = 1
        options.freeRiders = 9
        let report = try run(options)
        #expect(report.unfinished == 0)
        // All but what one downloader can give comes from the seed.
        #expect(report.seedBytes > 20_000_000)
    }
}
