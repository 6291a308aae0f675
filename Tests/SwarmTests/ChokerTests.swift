import Primitives
import Swarm
import Testing

/// Places of an upload: who gets one, who loses it, and when (BEP 3, "choking").
@Suite struct ChokerTests {
    @Test func thoseThatGaveMostKeepTheirPlaces() {
        var bench = Bench(slots: 2)
        bench.rivals = [.peer(1, gave: 10), .peer(2, gave: 30), .peer(3, gave: 20)]
        bench.round()
        // All three have a place: two for their gifts, the third by chance.
        #expect(bench.served == [1, 2, 3])
        bench.rivals += [.peer(4, gave: 40), .peer(5, gave: 50)]
        bench.round()
        #expect(bench.served.isSuperset(of: [4, 5]))
        #expect(bench.served.count == 3)
    }

    @Test func whoIsNotInterestedTakesNoPlace() {
        var bench = Bench(slots: 1)
        bench.rivals = [.peer(1, gave: 100), .peer(2, gave: 1)]
        bench.rivals[0].isInterested = false
        #expect(bench.round() == Choker.Decision(unchoke: [.init(rawValue: 2)]))
    }

    @Test func freePlacesAreGivenToWhoeverWaits() {
        var bench = Bench(slots: 4)
        bench.rivals = (1...5).map { .peer($0, gave: 0) }
        bench.round()
        #expect(bench.served == [1, 2, 3, 4, 5])
    }

    @Test func aFastLinkHasMorePlacesUpToALimit() {
        var bench = Bench(slots: 2)
        bench.rivals = (1...20).map { .peer($0, gave: $0) }
        for (rate, places) in [(0.0, 3), (11e6, 3), (12e6, 4), (40e6, 11), (1e9, 17), (0, 3)] {
            bench.choker.linkCarries(rate)
            bench.round()
            #expect(bench.served.count == places && bench.choker.places == places)
            #expect(bench.choker.hasRoom(besides: places - 1) && !bench.choker.hasRoom(besides: places))
        }
    }

    @Test func theOptimisticPlaceWandersEveryThirtySeconds() {
        var bench = Bench(slots: 1)
        bench.rivals = (1...20).map { .peer($0, gave: $0 == 1 ? 1000 : 0) }
        var chosen: [Int] = []
        for _ in 0..<30 {
            bench.round()
            #expect(bench.served.contains(1))
            #expect(bench.served.count == 2)
            chosen.append(bench.served.first { $0 != 1 } ?? 0)
        }
        // 30 rounds of 10 s: it is kept for three of them, and then somebody else has it.
        for start in stride(from: 0, to: 30, by: 3) { #expect(Set(chosen[start..<start + 3]).count == 1) }
        for start in stride(from: 3, to: 30, by: 3) { #expect(chosen[start] != chosen[start - 1]) }
    }

    @Test func newcomersGetTheOptimisticPlaceThreeTimesAsOften() {
        var newcomerCount = 0
        for seed in 0..<400 {
            var bench = Bench(slots: 1, seed: UInt64(seed))
            bench.now = .origin + .seconds(600)
            bench.rivals = [.peer(1, gave: 1000), .peer(2, gave: 0), .peer(3, gave: 0, connectedAt: bench.now)]
            bench.round()
            if bench.served.contains(3) { newcomerCount += 1 }
        }
        // Three tickets of four: 300 of 400, with a deviation of 9.
        #expect((260...340).contains(newcomerCount))
    }

    @Test func whoSnubsUsLosesItsRegularPlace() {
        var bench = Bench(slots: 1)
        bench.rivals = [.peer(1, gave: 100), .peer(2, gave: 50), .peer(3, gave: 20)]
        bench.rivals[0].isSnubbing = true
        bench.round()
        #expect(bench.served.contains(2))
    }

    @Test func aSeedServesEverybodyInTurn() {
        var bench = Bench(slots: 2, isSeeding: true)
        bench.rivals = (1...9).map { .peer($0, gave: 0) }
        var turns: [Int: Int] = [:]
        for _ in 0..<60 {
            bench.round()
            #expect(bench.served.count == 3)
            for peer in bench.served {
                turns[peer, default: 0] += 1
                bench.rivals[peer - 1].sentInTurn += 8 << 20
            }
        }
        // 180 turns of ten seconds among nine.
        #expect(turns.count == 9)
        #expect(turns.values.allSatisfy { (12...30).contains($0) }, "\(turns)")
    }

    @Test func aTurnThatHasBroughtLittleEndsByTime() {
        var bench = Bench(slots: 1, isSeeding: true)
        bench.rivals = [.peer(1, gave: 0), .peer(2, gave: 0), .peer(3, gave: 0)]
        bench.round()
        let first = bench.served
        for _ in 0..<5 { bench.round() }
        // Nobody was sent as much as a turn is, nor had the regular place as long as it may.
        #expect(!first.isDisjoint(with: bench.served))
        var served: Set<Int> = []
        for _ in 0..<15 {
            bench.round()
            served.formUnion(bench.served)
        }
        #expect(served == [1, 2, 3])
    }

    @Test func idlePeersLoseTheirPlacesAndComeLast() {
        var bench = Bench(slots: 2, isSeeding: true)
        bench.rivals = (1...6).map { .peer($0, gave: 0) }
        bench.round()
        let first = bench.served
        for peer in first {
            bench.rivals[peer - 1].isIdle = true
            bench.rivals[peer - 1].unusedTurns = 1
        }
        bench.round()
        #expect(first.isDisjoint(with: bench.served))
    }

    /// Its place was taken back between two rounds, and another peer was served meanwhile.
    @Test func theOptimisticPlaceIsNotGivenBackToAPeerThatLostIt() throws {
        var bench = Bench(slots: 1)
        bench.rivals = (1...4).map { .peer($0, gave: $0 == 1 ? 1000 : 0) }
        bench.round()
        let lucky = try #require(bench.served.first { $0 != 1 })
        bench.rivals[lucky - 1].isUnchoked = false
        bench.rivals[lucky - 1].unusedTurns = 1
        let next = try #require((2...4).first { $0 != lucky })
        bench.rivals[next - 1].isUnchoked = true
        bench.round()
        #expect(bench.served.contains(1) && !bench.served.contains(lucky))
    }

    /// A crowd of one host waits longer than a newcomer of another.
    @Test func hostsTakeTurns() {
        for isSeeding in [true, false] {
            var bench = Bench(slots: 3, isSeeding: isSeeding)
            bench.rivals = (1...50).map { .peer($0, gave: 0) }
            for index in bench.rivals.indices { bench.rivals[index].host = .v4(1, 2, 3, 4, port: 0) }
            var newcomer = Choker.Rival.peer(99, gave: 0)
            newcomer.host = .v4(9, 9, 9, 9, port: 0)
            newcomer.changedAt = .origin + .seconds(1)
            bench.rivals.append(newcomer)
            bench.round()
            #expect(bench.served.contains(99))
        }
    }

    @Test func whileMostPlacesAreIdleThereAreMore() {
        var bench = Bench(slots: 8)
        #expect(!bench.choker.hasRoom(besides: 9))
        for (idle, room) in [(4, 9), (5, 11), (9, 19), (40, 81), (1_000, 169)] {
            bench.choker.idlePlaces = idle
            #expect(bench.choker.hasRoom(besides: room - 1) && !bench.choker.hasRoom(besides: room))
        }
    }

    @Test func oneSeedGivesOneHistory() {
        let histories = (0..<2).map { _ in
            var bench = Bench(slots: 2, seed: 7)
            bench.rivals = (1...12).map { .peer($0, gave: $0 % 4) }
            return (0..<20).map { _ in bench.round() }
        }
        #expect(histories[0] == histories[1])
    }
}

/// Rivals, a clock and the choker; decisions are carried out on the rivals.
private struct Bench {
    var rivals: [Choker.Rival] = []
    var now = Instant.origin
    var choker: Choker
    private var generator: SeededGenerator
    private let isSeeding: Bool

    init(slots: Int, isSeeding: Bool = false, seed: UInt64 = 1) {
        var configuration = Swarm.Configuration()
        configuration.uploadSlots = slots
        choker = Choker(configuration, now: .origin)
        generator = SeededGenerator(number: seed)
        self.isSeeding = isSeeding
    }

    var served: Set<Int> { Set(rivals.filter(\.isUnchoked).map(\.peer.rawValue)) }

    @discardableResult
    mutating func round() -> Choker.Decision {
        let decision = choker.round(rivals, isSeeding: isSeeding, now: now, using: &generator)
        for index in rivals.indices {
            let isUnchoked = decision.unchoke.contains(rivals[index].peer)
            guard isUnchoked || decision.choke.contains(rivals[index].peer) else { continue }
            rivals[index].isUnchoked = isUnchoked
            rivals[index].changedAt = now
            rivals[index].sentInTurn = 0
        }
        now = now + .seconds(10)
        return decision
    }
}

extension Choker.Rival {
    fileprivate static func peer(_ number: Int, gave bytes: Int, connectedAt: Instant = .origin) -> Choker.Rival {
        var rival = Choker.Rival(peer: PeerHandle(rawValue: number), connectedAt: connectedAt)
        rival.isInterested = true
        rival.received = bytes
        return rival
    }
}
