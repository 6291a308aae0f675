import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let blockLength = BlockRequest.usualLength

@Suite struct PiecePickerTests {
    @Test func aBegunPieceIsFinishedFirst() throws {
        var picker = try Picker(pieces: 10, blocksPerPiece: 4)
        picker.join([Bitfield(filled: 10)])
        let first = picker.pick(1)
        let rest = picker.pick(3)
        #expect(Set((first + rest).map(\.piece)).count == 1)
        #expect((first + rest).map(\.offset) == [0, 1, 2, 3].map { $0 * blockLength })
    }

    @Test func theRarestPieceIsBegunNextOnceThereIsOneToTrade() throws {
        var picker = try Picker(pieces: 20, blocksPerPiece: 1)
        var common = Bitfield(filled: 20)
        common[13] = false
        picker.join([common, common, Bitfield(filled: 20)])
        let first = picker.pick(1)[0].piece
        picker.complete(first)
        #expect(picker.pick(1).map(\.piece) == (first == 13 ? [picker.last] : [13]))
    }

    @Test func inOrderMeansInOrder() throws {
        var picker = try Picker(pieces: 30, blocksPerPiece: 1, order: .sequential)
        var some = Bitfield(filled: 30)
        some[4] = false
        picker.join([some, Bitfield(filled: 30)])
        #expect(picker.pick(6, having: some).map(\.piece) == [0, 1, 2, 3, 5, 6])
        #expect(picker.pick(2).map(\.piece) == [4, 7])
        picker.complete(4)
        #expect(picker.picker.failed(2, now: .origin).contributors == [])
        #expect(picker.pick(2).map(\.piece) == [2, 8])
    }

    /// The storage needs no padding to find a piece wrong (BEP 47).
    @Test func aPieceThatFailsBeforeItsPaddingHasComeIsFetchedAgain() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 3)
        picker.join([Bitfield(filled: 1)])
        let blocks = picker.pick(3)
        for block in blocks.prefix(2) { _ = picker.picker.received(block, from: PeerHandle(rawValue: 7)) }
        let gift = picker.picker.failed(0, now: .origin)
        #expect(gift.contributors == [PeerHandle(rawValue: 7)])
        #expect(picker.picker.received(blocks[2], from: PeerHandle(rawValue: 7)) == .duplicate)
        #expect(picker.pick(3).map(\.offset) == blocks.map(\.offset))
    }

    /// A file of one and a half blocks in each piece of four (BEP 47).
    @Test func blocksOfPaddingAreNotAskedFor() throws {
        let files = ["a", "b"].map { InfoBuilder.File(path: [$0], length: blockLength * 3 / 2) }
        let builder = InfoBuilder(name: "x", files: files, pieceLength: 4 * blockLength, aligned: true)
        let info = try builder.info(pieceHashes: Array(repeating: .zero, count: 2))
        var picker = Picker(info: info)
        picker.join([Bitfield(filled: 2)])
        let blocks = picker.pick(100)
        #expect(blocks.count == 4)
        for piece in 0..<2 {
            #expect(blocks.filter { $0.piece == piece }.map(\.offset) == [0, blockLength])
        }
        #expect(picker.picker.isEndGame)
        let receipts = blocks.map { picker.picker.received($0, from: peer) }
        #expect(receipts.count { $0 == .needed(others: 0, completesPiece: true) } == 2)
    }

    @Test func theFirstPieceIsRandom() throws {
        let starts = try (0..<40).map { seed in
            var picker = try Picker(pieces: 50, blocksPerPiece: 1, seed: UInt64(seed))
            picker.join([Bitfield(filled: 50)])
            return picker.pick(1)[0].piece
        }
        #expect(Set(starts).count > 15)
    }

    @Test func onlyWhatThePeerHasIsAskedOfIt() throws {
        var picker = try Picker(pieces: 30, blocksPerPiece: 2)
        var some = Bitfield(count: 30)
        for piece in [3, 8, 21] { some[piece] = true }
        picker.join([some])
        let blocks = picker.pick(100, having: some)
        #expect(Set(blocks.map(\.piece)) == [3, 8, 21])
        #expect(blocks.count == 6)
    }

    @Test func everyBlockIsPickedOnceBeforeAnyTwice() throws {
        var picker = try Picker(pieces: 7, blocksPerPiece: 3, tail: 100)
        picker.join([Bitfield(filled: 7)])
        var blocks: [BlockRequest] = []
        while true {
            let more = picker.pick(2)
            if more.isEmpty { break }
            blocks += more
        }
        #expect(Set(blocks).count == blocks.count)
        #expect(blocks.reduce(0) { $0 + $1.length } == picker.info.totalLength)
    }

    @Test func aFastPeerDoesItsOwnPieces() throws {
        var picker = try Picker(pieces: 4, blocksPerPiece: 4)
        picker.join([Bitfield(filled: 4)])
        let (slow, fast) = (PeerHandle(rawValue: 2), PeerHandle(rawValue: 3))
        let first = picker.pick(1, for: slow)[0].piece
        let second = picker.pick(1, for: fast, isFast: true)[0].piece
        #expect(first != second)
        // Slow ones help each other; fast ones begin pieces as long as there are any.
        #expect(picker.pick(1, for: peer).map(\.piece) == [first])
        let third = picker.pick(4, for: peer, isFast: true)
        #expect(Set(third.map(\.piece)).count == 1 && third[0].piece != first && third[0].piece != second)
        // Who has left a piece leaves it to any fast one.
        picker.picker.released(by: fast)
        #expect(picker.pick(3, for: peer, isFast: true).map(\.piece) == [second, second, second])
        // And in the end everybody helps everybody.
        #expect(Set(picker.pick(100, for: peer, isFast: true).map(\.piece)).contains(first))
        #expect(picker.picker.isEndGame)
    }

    @Test func whatAFastPeerHasLeftIsForSlowOnesToo() throws {
        var picker = try Picker(pieces: 2, blocksPerPiece: 4)
        picker.join([Bitfield(filled: 2)])
        let fast = PeerHandle(rawValue: 3)
        let blocks = picker.pick(1, for: fast, isFast: true)
        picker.picker.abandoned(blocks)
        picker.picker.released(by: fast)
        #expect(Set(picker.pick(4).map(\.piece)) == [blocks[0].piece])
    }

    @Test func theEndGameAsksOthersForTheSameBlocksUpToTheLimit() throws {
        var picker = try Picker(pieces: 2, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 2)])
        let all = Set(picker.pick(4))
        #expect(all.count == 4)
        #expect(picker.pick(4).isEmpty)
        #expect(Set(picker.duplicate(4)) == all)
        #expect(picker.duplicate(1).count == 1)
        #expect(Set(picker.duplicate(4)).count == 3)
        #expect(picker.duplicate(4).isEmpty)
        let block = try #require(all.first)
        #expect(picker.picker.received(block, from: peer) == .needed(others: 2, completesPiece: false))
        #expect(picker.picker.received(block, from: peer) == .duplicate)
        #expect(!picker.picker.isWanted(block))
    }

    @Test func whatIsOutstandingAtAPeerIsNotAskedOfItAgain() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 1)])
        let mine = picker.pick(2)
        var outstanding = OutstandingRequestsBuilder()
        outstanding.request(mine[0])
        #expect(picker.duplicate(2, outstanding: outstanding.requests) == [mine[1]])
    }

    @Test func abandonedBlocksAreFreeAgain() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 3)
        picker.join([Bitfield(filled: 1)])
        let blocks = picker.pick(3)
        #expect(picker.picker.received(blocks[0], from: peer) == .needed(others: 0, completesPiece: false))
        let generation = picker.picker.generation
        picker.picker.abandoned([blocks[0], blocks[2]])
        #expect(picker.picker.generation > generation)
        #expect(picker.pick(3) == [blocks[2]])
    }

    @Test func aFailedPieceIsFetchedAgainAndNamesItsContributors() throws {
        var picker = try Picker(pieces: 2, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 2)])
        let piece = picker.pick(1)[0].piece
        let others = [PeerHandle(rawValue: 5), PeerHandle(rawValue: 6)]
        for (number, other) in others.enumerated() {
            let block = BlockRequest(piece: piece, offset: number * blockLength, length: blockLength)
            _ = picker.picker.received(block, from: other)
        }
        #expect(picker.picker.failed(piece, now: .origin).contributors == others)
        // From now on the piece is one peer's alone.
        #expect(picker.pick(10, for: others[0]).contains { $0.piece == piece })
        picker.picker.abandoned([BlockRequest(piece: piece, offset: 0, length: blockLength)])
        #expect(picker.pick(10, for: others[1]).map(\.offset) == [0])
        #expect(!picker.pick(10, for: others[0]).contains { $0.piece == piece })
        // Nobody's again, though nothing that was asked for is given up.
        picker.picker.abandoned([BlockRequest(piece: piece, offset: 0, length: blockLength)])
        #expect(picker.pick(1, for: others[0]).map(\.offset) == [0])
        picker.picker.released(by: others[0])
        #expect(!picker.duplicate(10, mayTakeSuspects: false).contains { $0.piece == piece })
        #expect(!picker.picker.mayMove(BlockRequest(piece: piece, offset: 0, length: blockLength)))
    }

    /// What it left unfinished is forgotten, so that the block has one giver.
    @Test func aPeerThatGaveAPartOfABlockIsNoContributor() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 1)
        picker.join([Bitfield(filled: 1)])
        let block = picker.pick(1)[0]
        let (quitter, endpoint) = (PeerHandle(rawValue: 9), Endpoint.v4(1, 2, 3, 4, port: 5))
        picker.picker.write(block, by: quitter, at: endpoint)
        #expect(picker.picker.writer(of: block) == .peer(quitter))
        let forgets = [peer, quitter].map { picker.picker.forget(block, by: $0) }
        #expect(forgets == [false, true])
        picker.picker.abandoned([block])
        #expect(picker.pick(1) == [block])
        picker.picker.write(block, by: peer, at: endpoint)
        #expect(picker.picker.received(block, from: peer) == .needed(others: 0, completesPiece: true))
        let gift = picker.picker.failed(block.piece, now: .origin)
        #expect(gift.contributors == [peer] && gift.givers == [peer] && gift.endpoints[peer] == endpoint)
    }

    // MARK: Doubted peers

    @Test func copiesAtDoubtedPeersDoNotCount() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 1)])
        let blocks = picker.pick(2)
        #expect(!picker.picker.hasDoubtful && picker.pickDoubtful(2).isEmpty)
        picker.picker.doubted(blocks)
        #expect(picker.picker.hasDoubtful)
        #expect(picker.pickDoubtful(1) == [blocks[0]])
        #expect(picker.pickDoubtful(2) == [blocks[1]])
        #expect(!picker.picker.hasDoubtful)
        // One giver each; two more may be asked, and more when some of them do not give.
        for _ in 0..<2 { #expect(picker.duplicate(2) == blocks) }
        #expect(picker.duplicate(2).isEmpty)
        picker.picker.doubted(blocks)
        #expect(picker.duplicate(2) == blocks && picker.duplicate(2).isEmpty)
        // A doubted peer that leaves changes nothing; one that gives again counts.
        picker.picker.abandoned([blocks[0]], isDoubted: true)
        #expect(picker.duplicate(2).isEmpty)
        picker.picker.trusted([blocks[0]])
        picker.picker.abandoned([blocks[0]])
        #expect(picker.duplicate(2).isEmpty)
        #expect(picker.picker.received(blocks[0], from: peer) == .needed(others: 2, completesPiece: false))
        #expect(picker.picker.received(blocks[1], from: peer) == .needed(others: 4, completesPiece: true))
        #expect(!picker.picker.hasDoubtful && !picker.picker.hasWork)
    }

    /// A block that a doubted peer gave and that is to come again is no doubted peer's any more.
    @Test func whatIsDisownedIsNotDoubtful() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 1)])
        let blocks = picker.pick(1)
        picker.picker.doubted(blocks)
        _ = picker.picker.received(blocks[0], from: peer)
        #expect(picker.picker.disown { _ in true } == blocks)
        #expect(picker.pick(1) == blocks && !picker.picker.hasDoubtful)
        picker.picker.doubted(blocks)
        #expect(picker.picker.hasDoubtful)
        _ = picker.picker.received(blocks[0], from: peer)
        #expect(!picker.picker.hasDoubtful)
    }

    @Test func whatOnlyDoubtedPeersOweIsFreeWhenTheyLeave() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 1)])
        let blocks = picker.pick(2)
        picker.picker.doubted(blocks)
        picker.picker.abandoned(blocks, isDoubted: true)
        #expect(!picker.picker.hasDoubtful)
        #expect(picker.pick(3) == blocks)
    }

    // MARK: Suspects

    @Test func aSuspectGoesToAPeerThatHasProvedItselfAndAfterAWhileToAny() throws {
        var picker = try Picker(pieces: 2, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 2)])
        let givers = [PeerHandle(rawValue: 5), PeerHandle(rawValue: 6)]
        let blocks = picker.pick(4)
        for block in blocks { _ = picker.picker.received(block, from: givers[block.offset / blockLength]) }
        for piece in 0..<2 { #expect(picker.picker.failed(piece, now: .origin).contributors == givers) }
        #expect(picker.pick(4, mayTakeSuspects: false).isEmpty && !picker.picker.isEndGame)
        let (proved, other) = (PeerHandle(rawValue: 7), PeerHandle(rawValue: 8))
        #expect(picker.pick(2, for: proved).map(\.piece) == [0, 0])
        // Several may be under way.
        #expect(picker.pick(1, for: other).map(\.piece) == [1])
        #expect(picker.duplicate(9, for: peer, mayTakeSuspects: false).isEmpty)
        let review = { (picker: inout Picker, seconds: Int) in
            picker.picker.reviewSuspects(
                waitMax: .seconds(2), wholeMax: .seconds(5), now: .origin + .seconds(seconds))
        }
        review(&picker, 4)
        #expect(picker.duplicate(9, for: peer, mayTakeSuspects: false).isEmpty)
        // A peer that drips does not keep it.
        review(&picker, 5)
        #expect(picker.duplicate(9, for: peer, mayTakeSuspects: false).count == 3)
        #expect(picker.pick(1, mayTakeSuspects: false).map(\.piece) == [1])
    }

    @Test func aSuspectThatNoProvedPeerTakesIsForAny() throws {
        var picker = try Picker(pieces: 1, blocksPerPiece: 2)
        picker.join([Bitfield(filled: 1)])
        for (number, block) in picker.pick(2).enumerated() {
            _ = picker.picker.received(block, from: PeerHandle(rawValue: number + 5))
        }
        _ = picker.picker.failed(0, now: .origin)
        picker.picker.reviewSuspects(waitMax: .seconds(2), wholeMax: .seconds(5), now: .origin + .seconds(1))
        #expect(picker.pick(2, mayTakeSuspects: false).isEmpty)
        picker.picker.reviewSuspects(waitMax: .seconds(2), wholeMax: .seconds(5), now: .origin + .seconds(2))
        #expect(picker.pick(2, mayTakeSuspects: false).count == 2)
    }

    // MARK: In order

    @Test func theFrontIsAskedTwiceWhenItIsLate() throws {
        var picker = try Picker(pieces: 9, blocksPerPiece: 2, order: .sequential)
        picker.join([Bitfield(filled: 9)])
        let blocks = picker.pick(14)
        _ = picker.picker.received(blocks[1], from: peer)
        let front = { (picker: inout Picker, seconds: Int) -> [BlockRequest] in
            var late: [BlockRequest] = []
            picker.picker.duplicateFront(
                9, for: PiecePicker.Asker(PeerHandle(rawValue: 2), having: Bitfield(filled: 9)),
                begunBefore: .origin + .seconds(seconds), outstanding: OutstandingRequests(), into: &late)
            return late
        }
        #expect(front(&picker, 0).isEmpty)
        #expect(front(&picker, 1) == [blocks[0]] + blocks[2..<8])
        #expect(front(&picker, 1).isEmpty)
        picker.complete(0)
        #expect(front(&picker, 1) == Array(blocks[8..<10]))
    }

    @Test func randomHistoriesKeepTheBooks() throws {
        for seed in 0..<20 {
            var generator = SeededGenerator(number: UInt64(seed))
            var picker = try Picker(pieces: 12, blocksPerPiece: 3, tail: 5, seed: UInt64(seed))
            picker.join([Bitfield(filled: 12)])
            var underWay: [BlockRequest] = []
            for _ in 0..<4000 where !picker.picker.isComplete {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: underWay += picker.pick(Int.random(in: 1...4, using: &generator))
                case 1 where !underWay.isEmpty:
                    picker.picker.abandoned([underWay.remove(at: .random(in: 0..<underWay.count, using: &generator))])
                default:
                    guard !underWay.isEmpty else { continue }
                    let block = underWay.remove(at: .random(in: 0..<underWay.count, using: &generator))
                    guard case .needed(_, completesPiece: true) = picker.picker.received(block, from: peer) else {
                        continue
                    }
                    if Bool.random(using: &generator) {
                        #expect(picker.picker.verified(block.piece)?.contributors == [peer])
                    } else {
                        #expect(picker.picker.failed(block.piece, now: .origin).contributors == [peer])
                    }
                }
            }
            #expect(picker.picker.isComplete)
            #expect(picker.picker.verifiedBytes == picker.info.totalLength)
        }
    }
}

private let peer = PeerHandle(rawValue: 1)

private struct Picker {
    var picker: PiecePicker
    let info: Info
    var last = -1
    private var generator: SeededGenerator

    init(
        pieces: Int, blocksPerPiece: Int, tail: Int? = nil, seed: UInt64 = 1, order: PiecePicker.Order = .rarestFirst
    ) throws {
        let pieceLength = blocksPerPiece * blockLength
        let length = tail.map { (pieces - 1) * pieceLength + $0 } ?? pieces * pieceLength
        let builder = InfoBuilder(name: "x", length: length, pieceLength: pieceLength)
        self.init(info: try builder.info(pieceHashes: Array(repeating: .zero, count: pieces)), seed: seed, order: order)
    }

    init(info: Info, seed: UInt64 = 1, order: PiecePicker.Order = .rarestFirst) {
        self.info = info
        picker = PiecePicker(info: info, have: Bitfield(count: info.pieceCount), order: order)
        generator = SeededGenerator(number: seed)
    }

    mutating func join(_ peers: [Bitfield]) {
        for pieces in peers { _ = picker.peerJoined(having: pieces) }
    }

    mutating func pick(
        _ count: Int, for asker: PeerHandle = peer, having pieces: Bitfield? = nil, isFast: Bool = false,
        mayTakeSuspects: Bool = true
    ) -> [BlockRequest] {
        var blocks: [BlockRequest] = []
        var current: Int?
        var asker = PiecePicker.Asker(asker, having: pieces ?? Bitfield(filled: info.pieceCount))
        (asker.isFast, asker.mayTakeSuspects) = (isFast, mayTakeSuspects)
        picker.pick(count, for: asker, current: &current, now: .origin, using: &generator, into: &blocks)
        last = blocks.last?.piece ?? last
        return blocks
    }

    mutating func duplicate(
        _ count: Int, for asker: PeerHandle = peer, mayTakeSuspects: Bool = true,
        outstanding: OutstandingRequests = OutstandingRequests()
    ) -> [BlockRequest] {
        var blocks: [BlockRequest] = []
        var asker = PiecePicker.Asker(asker, having: Bitfield(filled: info.pieceCount))
        asker.mayTakeSuspects = mayTakeSuspects
        picker.duplicate(count, for: asker, copies: 3, outstanding: outstanding, into: &blocks)
        return blocks
    }

    mutating func pickDoubtful(_ count: Int) -> [BlockRequest] {
        var blocks: [BlockRequest] = []
        picker.pickDoubtful(
            count, for: PiecePicker.Asker(peer, having: Bitfield(filled: info.pieceCount)),
            outstanding: OutstandingRequests(), into: &blocks)
        return blocks
    }

    mutating func complete(_ piece: Int) {
        for offset in stride(from: 0, to: info.length(ofPiece: piece), by: blockLength) {
            let length = min(blockLength, info.length(ofPiece: piece) - offset)
            _ = picker.received(BlockRequest(piece: piece, offset: offset, length: length), from: peer)
        }
        _ = picker.verified(piece)
    }
}

/// Requests can only be made through a session.
private struct OutstandingRequestsBuilder {
    private var session: Session

    init() {
        var generator = SeededGenerator(number: 1)
        let id = PeerID(prefix: "-TT0000-", using: &generator)
        session = Session(role: .initiator, infoHash: .zero, ourPeerID: id, now: .origin)
    }

    mutating func request(_ block: BlockRequest) { session.requested(block, now: .origin) }

    var requests: OutstandingRequests { session.outstanding }
}
