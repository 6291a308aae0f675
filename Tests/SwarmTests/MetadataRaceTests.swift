import Digest
import PeerProtocol
import Primitives
import Swarm
import Testing

@Suite struct MetadataRaceTests {
    let metadata: [UInt8]
    let peers = (1...20).map { PeerHandle(rawValue: $0) }

    init() {
        var generator = SeededGenerator(number: 3)
        metadata = generator.bytes(count: 100_000)
    }

    @Test func onePeerGivesAllPieces() {
        var race = makeRace()
        #expect(race.offered(size: metadata.count, by: peers[0]) == true)
        let outcome = deliverAll(to: &race, from: peers[0])
        #expect(outcome == .complete(metadata))
    }

    @Test func piecesOfManyPeersMakeOneWhole() {
        var race = makeRace()
        for peer in peers.prefix(3) { #expect(race.offered(size: metadata.count, by: peer) == true) }
        let asked = peers.prefix(3).map { race.requests(for: $0, now: .origin) }
        #expect(asked.allSatisfy { !$0.isEmpty })
        var outcome = MetadataRace.Outcome.ignored
        for piece in 0..<pieceCount {
            let index = asked.firstIndex { $0.contains(piece) } ?? 0
            outcome = race.received(piece: piece, payload: part(piece), from: peers[index], now: .origin)
        }
        #expect(outcome == .complete(metadata))
    }

    @Test func aLiarAboutTheSizeSpoilsOnlyItsOwnAssembly() {
        var race = makeRace()
        #expect(race.offered(size: 5, by: peers[0]) == true)
        #expect(race.offered(size: metadata.count, by: peers[1]) == true)
        #expect(race.requests(for: peers[0], now: .origin) == [0])
        #expect(
            race.received(piece: 0, payload: [1, 2, 3, 4, 5], from: peers[0], now: .origin)
                == .mismatch(contributors: [peers[0]], liar: peers[0]))
        #expect(deliverAll(to: &race, from: peers[1]) == .complete(metadata))
    }

    @Test(arguments: [0, -1, Swarm.Configuration().metadataBytesMax + 1, Int.max])
    func impossibleSizesAreRefused(size: Int) {
        var race = makeRace()
        #expect(race.offered(size: size, by: peers[0]) == false)
    }

    @Test func whatWasNotAskedForIsIgnored() {
        var race = makeRace()
        #expect(race.received(piece: 0, payload: part(0), from: peers[0], now: .origin) == .ignored)
        #expect(race.offered(size: metadata.count, by: peers[0]) == true)
        #expect(race.received(piece: 0, payload: part(0), from: peers[0], now: .origin) == .ignored)
        #expect(race.requests(for: peers[0], now: .origin).contains(0))
        #expect(race.received(piece: 0, payload: Array(part(0).dropLast()), from: peers[0], now: .origin) == .ignored)
        #expect(race.received(piece: pieceCount, payload: [1], from: peers[0], now: .origin) == .ignored)
    }

    @Test func aLiarAmongSharersIsFoundByAskingOneAtATime() {
        var race = makeRace()
        let liar = peers[0]
        let honest = peers[1]
        for peer in [liar, honest] { #expect(race.offered(size: metadata.count, by: peer) == true) }
        var banned: [PeerHandle] = []
        for round in 0..<50 {
            let now = Instant.origin + .seconds(round * 4)
            race.timedOut(now: now)
            for peer in [liar, honest] where !banned.contains(peer) {
                for piece in race.requests(for: peer, now: now) {
                    let bytes = peer == liar ? part(piece).map { ~$0 } : part(piece)
                    switch race.received(piece: piece, payload: bytes, from: peer, now: now) {
                    case .complete(let whole):
                        #expect(whole == metadata)
                        #expect(banned == [] || banned == [liar])
                        return
                    case .mismatch(_, let culprit?):
                        #expect(culprit == liar)
                        banned.append(culprit)
                        race.left(culprit)
                    default: break
                    }
                }
            }
        }
        Issue.record("the metadata never came")
    }

    @Test func slowPeersAreAskedAgainAndLateAnswersCount() {
        var race = makeRace()
        for peer in peers.prefix(2) { #expect(race.offered(size: 10, by: peer) == true) }
        let start = Instant.origin
        for peer in peers.prefix(2) { #expect(race.requests(for: peer, now: start) == [0]) }
        let late = start + Swarm.Configuration().metadataRequestTimeout
        race.timedOut(now: late)
        #expect(race.requests(for: peers[0], now: late) == [])
        #expect(race.requests(for: peers[0], now: late + .seconds(1)) == [0])
        let outcome = race.received(piece: 0, payload: Array(repeating: 1, count: 10), from: peers[1], now: late)
        #expect(outcome == .mismatch(contributors: [peers[1]], liar: peers[1]))
    }

    @Test func aLiarWhoseTurnItIsCannotStopTheRace() {
        var race = makeRace()
        let liar = peers[0]
        let honest = peers[1]
        for peer in [liar, honest] { #expect(race.offered(size: metadata.count, by: peer) == true) }
        for round in 0..<200 {
            let now = Instant.origin + .milliseconds(500 * round)
            race.timedOut(now: now)
            for piece in race.requests(for: liar, now: now) {
                // Garbage at first; when its turn comes, nothing that would convict it.
                if round == 0, piece == 1 {
                    _ = race.received(piece: piece, payload: part(piece).map { ~$0 }, from: liar, now: now)
                } else if piece == 3 {
                    race.rejected(piece: piece, by: liar, now: now)
                } else {
                    _ = race.received(piece: piece, payload: [0], from: liar, now: now)
                }
            }
            if deliverAll(to: &race, from: honest, now: now) == .complete(metadata) { return }
        }
        Issue.record("the metadata never came")
    }

    @Test func aNewPeerIsAskedAtOnceWhateverOthersHold() {
        var race = makeRace()
        for peer in peers { #expect(race.offered(size: 10, by: peer) == true) }
        for peer in peers { #expect(race.requests(for: peer, now: .origin) == [0]) }
    }

    @Test func manyFalseSizesDoNotCrowdOutTheOneWithProgress() {
        var race = makeRace()
        #expect(race.offered(size: metadata.count, by: peers[0]) == true)
        let asked = race.requests(for: peers[0], now: .origin)
        #expect(race.received(piece: asked[0], payload: part(asked[0]), from: peers[0], now: .origin) == .needsMore)
        for (number, peer) in peers.dropFirst().enumerated() {
            #expect(race.offered(size: number + 1, by: peer) == true)
        }
        for piece in asked.dropFirst() {
            _ = race.received(piece: piece, payload: part(piece), from: peers[0], now: .origin)
        }
        #expect(deliverAll(to: &race, from: peers[0]) == .complete(metadata) || asked.count >= pieceCount)
        #expect(race.offerCount == peers.count)
    }

    private var pieceCount: Int { (metadata.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength }

    private func part(_ piece: Int) -> [UInt8] {
        Array(metadata.dropFirst(piece * MetadataMessage.pieceLength).prefix(MetadataMessage.pieceLength))
    }

    private func makeRace() -> MetadataRace {
        MetadataRace(infoHash: SHA1.hash(metadata), configuration: Swarm.Configuration())
    }

    private func deliverAll(
        to race: inout MetadataRace, from peer: PeerHandle, now: Instant = .origin
    ) -> MetadataRace.Outcome {
        var outcome = MetadataRace.Outcome.needsMore
        while outcome == .needsMore {
            let pieces = race.requests(for: peer, now: now)
            if pieces.isEmpty { return outcome }
            for piece in pieces { outcome = race.received(piece: piece, payload: part(piece), from: peer, now: now) }
        }
        return outcome
    }
}
