import Primitives
import Testing

@testable import Simulator

/// Small networks in which whole clients go from a magnet to the metadata.
@Suite struct MagnetTests {
    /// Four magnets with 20 peers each, of which 16 are dead.
    private func options(seed: UInt64 = 1) -> MagnetOptions {
        var options = MagnetOptions()
        options.seed = seed
        options.population = PopulationOptions()
        options.population.nodeCount = 50
        options.warmUp = .seconds(5)
        options.magnets = 4
        options.peers = 20
        options.askers = 2
        options.metadataBytes = 30_000...60_000
        return options
    }

    private func run(_ options: MagnetOptions) throws -> MagnetReport {
        var search = try MagnetSearch(options)
        return search.run()
    }

    @Test func aWarmClientHasTheMetadataSoon() throws {
        let report = try run(options())
        #expect(report.magnets == 4 && report.resolved == 4)
        // A value takes a round trip at least; a connection two more, the metadata two more again.
        #expect(report.firstValueSeconds.smallest >= 0.02)
        #expect(report.firstConnectionSeconds.smallest >= report.firstValueSeconds.smallest + 0.04)
        #expect(report.metadataSeconds.smallest >= report.firstConnectionSeconds.smallest + 0.02)
        #expect(report.metadataSeconds.median <= 1.5 && report.metadataSeconds.largest <= 4)
        #expect(report.calls.smallest >= 1 && report.calls.largest <= 20 * 3)
        #expect(report.callsPerSecondMax.largest <= report.calls.largest)
    }

    @Test func theSeedDecides() throws {
        let first = try run(options(seed: 5))
        var search = try MagnetSearch(options(seed: 5))
        while search.advance(events: 700) {}
        #expect(search.finish() == first)
        #expect(try run(options(seed: 6)).digest != first.digest)
    }

    @Test func whoHasJustStartedFindsItToo() throws {
        var options = options()
        options.isCold = true
        let report = try run(options)
        #expect(report.resolved == 4 && report.metadataSeconds.largest <= 10)
        #expect(report.firstValueSeconds.median >= 0.04)
    }

    @Test(arguments: [0, 1]) func nobodyFindsWhatTheDeadHad(refusing: Double) throws {
        var options = options()
        options.magnets = 1
        options.deadShare = 1
        options.refusingShare = refusing
        options.patience = .seconds(20)
        let report = try run(options)
        #expect(report.resolved == 0 && report.metadataSeconds.smallest == .infinity)
        #expect(report.firstConnectionSeconds.smallest == .infinity)
        #expect(report.firstValueSeconds.largest < 2 && report.peersFound.smallest >= 18)
        // Everybody is tried.
        #expect(report.calls.smallest >= 18)
    }

    @Test func liarsAndTheEmptyDelayNobodyForLong() throws {
        var options = options()
        options.liarShare = 0.5
        options.emptyShare = 0.25
        let report = try run(options)
        #expect(report.resolved == 4 && report.metadataSeconds.largest <= 10)
        // With those alone there is nothing to find.
        options.liarShare = 0.75
        options.magnets = 2
        options.patience = .seconds(20)
        let lost = try run(options)
        #expect(lost.resolved == 0 && lost.firstConnectionSeconds.largest < 4)
    }

    @Test func lossCostsTime() throws {
        var options = options()
        options.faults.lossShare = 0
        let clean = try run(options)
        options.faults.lossShare = 0.2
        let lossy = try run(options)
        #expect(lossy.resolved == 4)
        #expect(lossy.metadataSeconds.mean > clean.metadataSeconds.mean)
    }

    @Test func peersAreWhatTheOptionsSay() {
        var options = MagnetOptions()
        let peers = MagnetPeer.all(options)
        #expect(peers.count == 200 && peers.count(where: \.isDead) == 160)
        #expect(peers.count { $0 == .refusing } == 24 && peers.count { $0 == .liar } == 2)
        #expect(peers.count { $0 == .empty } == 4 && peers.count { $0 == .slowHolder } == 4)
        #expect(peers.count { $0 == .holder } == 30)
        options.peers = 1
        options.deadShare = 0
        #expect(MagnetPeer.all(options) == [.holder])
    }
}

/// How the connections of simulated clients send, and lie.
@Suite struct SendPaceTests {
    @Test func slowStartDoublesUntilItIsHalved() {
        var pace = SendPace(roundTrip: .milliseconds(100), bytesPerSecond: 1e9, now: .origin)
        var sent: [Int] = []
        for round in 0..<4 {
            var now = Instant.origin + .milliseconds(100 * round)
            var bytes = 0
            while case let count = pace.allowance(now: now), count > 0 {
                bytes += count
                now = now + pace.sent(count)
            }
            sent.append(bytes)
            if round == 2 { pace.lost() }
        }
        #expect(sent == [14_600, 29_200, 58_400, 58_400])
    }

    @Test func aRoundThatIsNotUsedLeavesTheWindowAsItIs() {
        var pace = SendPace(roundTrip: .milliseconds(100), bytesPerSecond: 1e6, now: .origin)
        #expect(pace.sent(1_000) == .milliseconds(1))
        #expect(pace.allowance(now: .origin + .milliseconds(50)) == 13_600)
        #expect(pace.allowance(now: .origin + .milliseconds(100)) == 14_600)
    }

    @Test func slowSendersSendLittleAtOnce() {
        var pace = SendPace(roundTrip: .milliseconds(100), bytesPerSecond: 20_000, now: .origin)
        #expect(pace.allowance(now: .origin) == 5_000)
        #expect(abs(SendPace.lossShare(of: 1_461, segmentLossShare: 0.1) - 0.19) < 1e-9)
        #expect(SendPace.lossShare(of: 5_000, segmentLossShare: 0) == 0)
    }

    @Test func liarsTellAnotherLengthOfAsManyDigits() {
        let truth = Array("d13:metadata_sizei98765e1:v1:xe".utf8)
        let lie = ClientProfile.liesAboutSize.distort(truth, of: 12)
        #expect(lie == Array("d13:metadata_sizei18762e1:v1:xe".utf8))
        #expect(ClientProfile().distort(truth, of: 12) == truth)
        let other = Array("d1:v1:xe".utf8)
        #expect(ClientProfile.liesAboutSize.distort(other, of: 12) == other)
    }
}
