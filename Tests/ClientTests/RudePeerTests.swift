import Client
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Whole downloads from one honest seed of a limited rate, beside peers that claim to be seeds and are not.
@Suite struct RudePeerTests {
    enum Rudeness: String, CaseIterable {
        case silent, chokes, rejects, announcesAndRejects, leavesBlocksUnfinished, repeatsItself

        /// What is sent in place of a block.
        func answer(to block: BlockRequest, _ bytes: [UInt8]) -> [UInt8] {
            var answer: [UInt8] = []
            let messages: [OutgoingMessage] =
                switch self {
                case .silent: []
                case .chokes: [.choke, .reject(block), .unchoke]
                case .rejects: [.reject(block)]
                case .announcesAndRejects: [.reject(block), .have(block.piece), .haveAll, .choke, .unchoke]
                case .leavesBlocksUnfinished: []
                case .repeatsItself: (0..<30).flatMap { _ in [.haveNone, .haveAll, .choke, .unchoke] }
                }
            if self == .leavesBlocksUnfinished { return Array(bytes.prefix(13 + 512)) }
            for message in messages { message.encode(into: &answer) }
            return answer
        }
    }

    private struct Outcome {
        var seconds: Double
        var requests: Int
        var wasted: Int
    }

    /// How long it takes, at 250 KB/s for 1 MB.
    private func download(
        beside count: Int, _ rudeness: Rudeness, choose: (inout Client.TorrentOptions) -> Void = { _ in },
        limit: Int? = nil
    ) throws -> Outcome {
        let payload = try Payload(byteCount: 1_000_000)
        var world = World()
        let rude = (0..<count).map { world.addSeeder(payload, seed: UInt64($0) + 100) }
        let honest = world.addSeeder(payload, seed: 1) { $0.uploadLimit = 250_000 }
        let isRude = Set(rude)
        world.alter = { machine, bytes in
            guard isRude.contains(machine), bytes.count > 13, bytes[4] == 7 else { return bytes }
            let fields = [5, 9].map { Int(bytes.span.bytes.bigEndian(at: $0, as: UInt32.self)) }
            let block = BlockRequest(piece: fields[0], offset: fields[1], length: bytes.count - 13)
            return rudeness.answer(to: block, bytes)
        }
        let start = world.now
        let leecher = world.addLeecher(
            payload, from: rude + [honest], seed: 2, configure: { $0.downloadLimit = limit }, choose: choose)
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) })
        let snapshot = try #require(world.machines[leecher].client.snapshot(of: torrent))
        return Outcome(
            seconds: (world.now - start).inSeconds, requests: snapshot.requestsSent, wasted: snapshot.wastedBytes)
    }

    /// At least 80% of the rate, or at most 5 s later; and few requests to each.
    @Test(arguments: Rudeness.allCases, [3, 30])
    func fakeSeedsDoNotDecide(rudeness: Rudeness, count: Int) throws {
        let alone = try download(beside: 0, rudeness)
        let beside = try download(beside: count, rudeness)
        let blocks = 1_000_000 / BlockRequest.usualLength + 1
        #expect(beside.seconds <= alone.seconds + 2, "\(beside.seconds), alone \(alone.seconds)")
        #expect(beside.requests <= 2 * blocks + 50 * count, "\(beside.requests)")
        #expect(beside.wasted <= 100_000 + count * BlockRequest.usualLength, "\(beside.wasted)")
    }

    /// What they are asked for and do not give is not charged to the download limit (D4).
    @Test(arguments: [Rudeness.silent, .chokes, .rejects])
    func aDownloadLimitIsNotSpentOnFakeSeeds(rudeness: Rudeness) throws {
        let alone = try download(beside: 0, rudeness, limit: 200_000)
        let beside = try download(beside: 20, rudeness, limit: 200_000)
        #expect(beside.seconds <= alone.seconds + 2, "\(beside.seconds), alone \(alone.seconds)")
    }

    /// Pieces in order, beside peers that give the first bytes of each block only (D3).
    @Test func theFirstPieceComesSoonWhenPiecesAreFetchedInOrder() throws {
        let payload = try Payload(byteCount: 1_000_000)
        var world = World()
        let rude = (0..<5).map { world.addSeeder(payload, seed: UInt64($0) + 100) }
        let honest = world.addSeeder(payload, seed: 1) { $0.uploadLimit = 250_000 }
        let isRude = Set(rude)
        world.alter = { machine, bytes in
            guard isRude.contains(machine), bytes.count > 13, bytes[4] == 7 else { return bytes }
            return Array(bytes.prefix(13 + 512))
        }
        let leecher = world.addLeecher(
            payload, from: rude + [honest], seed: 2, choose: { $0.isSequential = true })
        let start = world.now
        #expect(world.run(for: .seconds(20)) { $0.events(leecher).contains(.pieceVerified(0)) })
        let first = (world.now - start).inSeconds
        #expect(first <= 2, "\(first)")
        #expect(world.run(for: .seconds(20)) { $0.events(leecher).contains(.completed) })
        let order = world.events(leecher).compactMap { event in
            if case .pieceVerified(let piece) = event { piece } else { nil }
        }
        // No piece waits long for one before it.
        var (next, latest) = (0, 0)
        for (position, piece) in order.enumerated() {
            latest = max(latest, piece)
            while order.prefix(position + 1).contains(next) { next += 1 }
        }
        #expect(next == payload.info.pieceCount && latest == next - 1)
    }
}
