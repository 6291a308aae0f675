import PeerProtocol
import Primitives
import Swarm
import Testing

/// Metadata beside peers that deny it: one honest peer decides how long it takes.
@Suite struct MetadataAttackTests {
    private let roundTrip = MetadataCrowd.Behaviour.honest(.milliseconds(50))

    @Test(arguments: [3, 60, 199], [10_000, 300_000])
    func silentPeersAheadDoNotDelay(count: Int, byteCount: Int) {
        var crowd = MetadataCrowd(byteCount: byteCount)
        crowd.add(.silent, count: count)
        crowd.run(for: .seconds(1))
        crowd.add(roundTrip)
        let time = crowd.run(for: .seconds(5))
        #expect(time < .milliseconds(500), "\(time)")
    }

    @Test func silentPeersAreAskedLessAndLess() {
        var crowd = MetadataCrowd(byteCount: 100_000)
        crowd.add(.silent, count: 3)
        crowd.run(for: .seconds(120))
        #expect(crowd.requestsMax < 20, "\(crowd.requestsMax)")
    }

    @Test func peersThatGiveOnceDoNotDelayMuch() {
        var crowd = MetadataCrowd(byteCount: 1_000_000)
        crowd.add(.givesOnce, count: 60)
        crowd.run(for: .milliseconds(200))
        crowd.add(roundTrip)
        let time = crowd.run(for: .seconds(10))
        #expect(time < .seconds(4), "\(time)")
    }

    @Test func refusersAreLeftAlone() {
        var crowd = MetadataCrowd(byteCount: 100_000)
        crowd.add(.rejects(.milliseconds(1)), count: 8)
        crowd.add(roundTrip)
        let time = crowd.run(for: .seconds(5))
        #expect(time < .milliseconds(500), "\(time)")
        var alone = MetadataCrowd(byteCount: 100_000)
        alone.add(.rejects(.milliseconds(1)), count: 8)
        alone.run(for: .seconds(60))
        #expect(alone.requestsMax < 20, "\(alone.requestsMax)")
    }

    @Test(arguments: [20, 60, 180], [Duration.milliseconds(1), .milliseconds(400), .seconds(2)])
    func liarsOfTheRightSizeCostOnlyThemselves(count: Int, pace: Duration) {
        var crowd = MetadataCrowd(byteCount: 100_000)
        crowd.add(.lies(pace), count: count)
        crowd.add(roundTrip)
        let time = crowd.run(for: .seconds(60))
        #expect(time < .seconds(5), "\(time)")
        #expect(!crowd.hasBlamedTheHonest)
    }

    @Test func aSlowHonestPeerGetsItsMetadataThroughBesideLiars() {
        var crowd = MetadataCrowd(byteCount: 200_000)
        crowd.add(.lies(.seconds(2)), count: 100)
        crowd.add(.honest(.seconds(4)))
        let time = crowd.run(for: .seconds(120))
        #expect(time < .seconds(60), "\(time)")
        #expect(!crowd.hasBlamedTheHonest)
    }

    @Test func oneOfferAConnection() {
        var crowd = MetadataCrowd(byteCount: 100_000)
        for size in 1...40 { crowd.add(.claims(size * 50_000 + 1)) }
        crowd.add(roundTrip)
        for round in 1...20 { for peer in 0..<40 { crowd.offerAgain(peer, size: round * 1_000 + peer) } }
        let time = crowd.run(for: .seconds(5))
        #expect(time < .milliseconds(500), "\(time)")
        #expect(crowd.race.offerCount == 41)
    }

    @Test func whatIsHeldIsBounded() {
        let limit = 4 << 20
        var crowd = MetadataCrowd(byteCount: 1_000_000) { $0.metadataHeldBytesMax = limit }
        for peer in 1...40 { crowd.add(.claims(2_000_000 + peer)) }
        crowd.add(roundTrip)
        let time = crowd.run(for: .seconds(20))
        #expect(time < .seconds(5), "\(time)")
        #expect(crowd.heldBytesMax <= limit && crowd.race.evictionCount > 0)
    }

    @Test func aPeerThatLeavesTakesItsPlaceInTheRaceAlong() {
        var crowd = MetadataCrowd(byteCount: 100_000)
        crowd.add(.givesOnce, count: 5)
        crowd.run(for: .seconds(1))
        var race = crowd.race
        #expect(race.heldBytes > 0)
        for peer in 1...5 { race.left(PeerHandle(rawValue: peer)) }
        #expect(race.heldBytes == 0 && race.offerCount == 0)
    }
}
