import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

@testable import Simulator

/// Small swarms with rude peers among the clients, from the magnet to the last piece.
@Suite struct RudeSwarmTests {
    /// Sixteen peers of which five are rude; 512 KiB behind links of 2 Mbit/s.
    private func options(seed: UInt64 = 1, kinds: [RudeKind] = RudeKind.allCases) -> RudeOptions {
        var options = RudeOptions()
        options.seed = seed
        options.peers = 16
        options.seeds = 1
        options.kinds = kinds
        options.byteCount = 512 << 10
        options.pieceLength = 32 << 10
        return options
    }

    private func run(_ options: RudeOptions) throws -> RudeReport {
        var swarm = try RudeSwarm(options)
        return swarm.run()
    }

    @Test func theSeedDecides() throws {
        let first = try run(options(seed: 5))
        var swarm = try RudeSwarm(options(seed: 5))
        while swarm.advance(events: 700) {}
        #expect(swarm.finish() == first)
        #expect(try run(options(seed: 6)).digest != first.digest)
        #expect(first.without.completion.count == 10 && first.without.unfinished == 0)
        #expect(first.without.requestsToRude == 0 && first.mix.counts.reduce(0) { $0 + $1.count } == 5)
    }

    @Test func withoutRudePeersBothHalvesAreTheSame() throws {
        var options = options()
        options.rudeShare = 0
        let report = try run(options)
        #expect(report.with == report.without && report.ratio == 1)
        #expect(report.with.metadata.largest < report.with.completion.smallest)
    }

    /// As many rude peers as honest ones, all of one kind; links so slow that peers need each other.
    @Test(arguments: RudeKind.allCases)
    func everyHonestPeerCompletesBeside(kind: RudeKind) throws {
        var options = options(seed: 11, kinds: [kind])
        (options.rudeShare, options.seedRate) = (0.5, 125e3)
        let report = try run(options)
        #expect(report.mix.counts.map(\.kind) == [kind] && report.mix.counts.map(\.count) == [8])
        #expect(report.with.completion.count == 7 && report.with.unfinished == 0)
        #expect(report.with.completion.largest < 3 * report.without.completion.largest)
    }

    @Test(arguments: 20...25 as ClosedRange<UInt64>)
    func everyHonestPeerCompletesBesideAMix(seed: UInt64) throws {
        var options = options(seed: seed)
        (options.rudeShare, options.seedRate) = (0.5, 125e3)
        let report = try run(options)
        #expect(report.with.completion.count == 7 && report.with.unfinished == 0)
        #expect(report.with.completion.largest < 3 * report.without.completion.largest)
    }

    @Test func rudePeersAreDrawnFromTheSeed() {
        var generator = SeededGenerator(number: 3)
        var seen: Set<RudeKind> = []
        var plans: Set<SwarmAddresses.Plan> = []
        for _ in 0..<60 {
            let mix = RudeMix(count: 20, of: RudeKind.allCases, using: &generator)
            #expect(mix.kinds.count == 20 && mix.counts.map(\.count) == mix.counts.map(\.count).sorted(by: >))
            seen.formUnion(mix.kinds)
            plans.insert(mix.plan)
        }
        #expect(seen.count == RudeKind.allCases.count && plans.count == SwarmAddresses.Plan.allCases.count)
        let mix = RudeMix(count: 9, of: [.idler], using: &generator)
        #expect(mix.kinds == Array(repeating: .idler, count: 9) && mix.withoutAny.kinds == [])
    }

    @Test func addressesFollowThePlan() {
        let neighbour = SwarmAddresses.honest(300)
        let rude = { SwarmAddresses.rude($0, $1, neighbour: neighbour) }
        #expect(rude(1, .apart).prefix != rude(2, .apart).prefix)
        #expect(rude(1, .oneNetwork).prefix == rude(2, .oneNetwork).prefix)
        #expect(rude(1, .oneNetwork) != rude(2, .oneNetwork))
        #expect(rude(1, .oneAddress).host == rude(2, .oneAddress).host && rude(1, .oneAddress) != rude(2, .oneAddress))
        #expect(rude(1, .shared).host == neighbour.host && rude(1, .shared) != neighbour)
        #expect(Set((0..<600).map { rude($0, .oneNetwork) }).count == 600)
    }

    @Test func trackersNameOthersThatHaveAnnounced() {
        var tracker = SwarmTracker(namedMax: 3, generator: SeededGenerator(number: 1))
        let endpoints = (0..<6).map(SwarmAddresses.honest)
        let none = tracker.peers(for: endpoints[0])
        #expect(none == [])
        for endpoint in endpoints { tracker.announce(endpoint) }
        let named = tracker.peers(for: endpoints[0])
        #expect(Set(named).count == 3 && !named.contains(endpoints[0]) && named.allSatisfy(endpoints.contains))
    }

    @Test func partsOfBlocksCountOnceAndTheLastWriterCounts() throws {
        let info = try InfoBuilder(name: "x", length: 32_768, pieceLength: 32_768).info(pieceHashes: [.zero])
        var disk = SwarmDisk(info: info, isFull: false, bytesPerTick: .infinity, delayTicks: 0)
        // A liar gives a part of the first block, then an honest peer all of it; of the second block a part is wrong.
        disk.store(0, offset: 0, count: 512, lie: 5)
        disk.store(0, offset: 0, count: 16_384, lie: 0)
        disk.store(0, offset: 16_384, count: 1_024, lie: 6)
        disk.store(0, offset: 16_384, count: 512, lie: 0)
        disk.store(0, offset: 17_408, count: 15_359, lie: 0)
        disk.advance(to: 1)
        let early = disk.nextVerdict(at: 1)
        #expect(early == nil)
        disk.store(0, offset: 32_767, count: 1, lie: 0)
        disk.advance(to: 2)
        let verdict = disk.nextVerdict(at: 2)
        #expect(verdict == SwarmDisk.Verdict(piece: 0, wrongBlocks: [0, 6]))
    }

    @Test func whatIsForgottenComesAgain() throws {
        let info = try InfoBuilder(name: "x", length: 32_768, pieceLength: 32_768).info(pieceHashes: [.zero])
        var disk = SwarmDisk(info: info, isFull: false, bytesPerTick: .infinity, delayTicks: 0)
        disk.store(0, offset: 0, count: 512, lie: 5)
        disk.store(0, offset: 16_384, count: 16_384, lie: 0)
        disk.forget(0, offset: 0, count: 512)
        disk.store(0, offset: 0, count: 15_872, lie: 0)
        disk.advance(to: 1)
        let early = disk.nextVerdict(at: 1)
        #expect(early == nil)
        disk.store(0, offset: 15_872, count: 512, lie: 0)
        disk.advance(to: 2)
        let verdict = disk.nextVerdict(at: 2)
        #expect(verdict == SwarmDisk.Verdict(piece: 0, wrongBlocks: nil))
    }

    @Test func aPeerThatReadsNothingTakesNoMoreThanItsWindow() {
        var lane = Lane(sender: 0, receiver: 1, delayTicks: 0)
        var blocks: [BlockRequest] = []
        lane.window = 1_000
        lane.write([UInt8](repeating: 0, count: 5_000)[...])
        let first = lane.leave(600, blocks: &blocks)
        #expect(first.bytes == 600 && lane.window == 400)
        let second = lane.leave(400, blocks: &blocks)
        #expect(second.bytes == 400 && lane.window == 0 && lane.backlog == 4_000)
    }
}
