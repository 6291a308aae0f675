import Metainfo
import Primitives
import Swarm
import Testing
import Transport

@testable import CommandSupport

/// A run on a clock that only the test moves.
@Suite struct GetRunTests {
    private let infoHash = InfoHash(high: 1, middle: 2, low: 3)
    private let peer = Endpoint.v4(10, 0, 0, 1, port: 6881)

    private let other = Endpoint.v4(10, 0, 0, 2, port: 6881)

    private func at(_ seconds: Double) -> Instant { .origin + .seconds(seconds) }

    private func run(_ change: (inout GetPlan) -> Void = { _ in }) -> GetRun {
        var plan = GetPlan(infoHash: infoHash)
        plan.bootstrapNodes = 5
        plan.directory = "/tmp/out"
        change(&plan)
        return GetRun(plan, now: at(0))
    }

    /// Two files in three pieces: a has pieces 0 and 1, b has 1 and 2.
    private func info() throws -> Info {
        let length = 16 << 10
        let builder = InfoBuilder(
            name: "photos", files: [(["a"], length + 10), (["b"], length + 10)], pieceLength: length)
        return try builder.info(pieceHashes: Array(repeating: .zero, count: 3))
    }

    private func snapshot(_ change: (inout TorrentSnapshot) -> Void) -> TorrentSnapshot {
        var snapshot = TorrentSnapshot()
        change(&snapshot)
        return snapshot
    }

    @Test func withoutAnyNodeItEndsWithNoDHT() {
        var run = run()
        #expect(run.stage == .bootstrap)
        #expect(run.nextDeadline == at(30))
        run.observed(NodeCounts(queriesSent: 12), now: at(1))
        run.timedOut(now: at(29.9))
        #expect(run.outcome == nil)
        run.timedOut(now: at(30))
        #expect(run.outcome?.status == .noDHT)
        #expect(run.outcome?.stage == .bootstrap)
        #expect(run.outcome?.message == "no DHT: none of 5 bootstrap nodes has answered within 30 s (12 queries sent)")
        #expect(run.outcome?.advice?.contains("--bootstrap") == true)
        #expect(run.nextDeadline == nil)
    }

    @Test func withoutAnyPeerItEndsWithNothingFound() {
        var run = run()
        run.nodeAnswered(now: at(2))
        #expect(run.stage == .peers)
        #expect(run.nextDeadline == at(122))
        run.observed(NodeCounts(queriesSent: 40, answers: 33), now: at(100))
        run.timedOut(now: at(122))
        #expect(run.outcome?.status == .nothingFound)
        #expect(run.outcome?.message.contains("33 answers to 40 queries") == true)
        #expect(run.outcome?.message.contains(infoHash.hex) == true)
    }

    @Test func peersWithoutMetadataEndWithNoMetadata() {
        var run = run()
        run.nodeAnswered(now: at(1))
        run.happened(.peersFound([peer, other], .dht), now: at(3))
        #expect(run.stage == .metadata)
        run.happened(.peerLost(peer, .unreachable), now: at(4))
        run.happened(.peerLost(peer, .timedOut), now: at(5))
        run.happened(.metadataRejected([peer]), now: at(6))
        run.timedOut(now: at(122.9))
        #expect(run.outcome == nil)
        run.timedOut(now: at(123))
        #expect(run.outcome?.status == .noMetadata)
        let message = run.outcome?.message ?? ""
        #expect(message.contains("2 peers found, 0 connected, 1 refused, 1 silent"))
        #expect(message.contains("1 times it did not match the infohash"))
    }

    @Test func givenPeersSkipTheBootstrapStage() {
        var run = run { $0.usesDHT = false }
        #expect(run.stage == .peers)
        run.happened(.peersFound([peer], .user), now: at(0))
        #expect(run.stage == .metadata)
        #expect(run.nextDeadline == at(120))
    }

    @Test func ourOwnAnnounceIsNoPeerAndCostsNoTime() {
        var run = run()
        run.nodeAnswered(now: at(1))
        run.happened(.peersFound([peer], .dht), now: at(50))
        #expect(run.stage == .metadata)
        run.happened(.peerLost(peer, .ourselves), now: at(51))
        #expect(run.stage == .peers)
        #expect(run.nextDeadline == at(121))
        run.timedOut(now: at(121))
        #expect(run.outcome?.status == .nothingFound)
    }

    @Test func whoConnectsToUsIsAPeer() {
        var run = run()
        run.nodeAnswered(now: at(1))
        run.happened(.peerConnected(peer), now: at(2))
        #expect(run.stage == .metadata)
    }

    @Test func ownEndpointsAreLeftOutOfWhatTheDHTFinds() {
        let interfaces = Interfaces([.init(interface: "lo", address: .v4(127, 0, 0, 1, port: 0))])
        var ourselves = OwnEndpoints(interfaces, local: [.v4(0, 0, 0, 0, port: 7)])
        let outside = Endpoint.v4(9, 9, 9, 9, port: 7)
        let found = [Endpoint.v4(127, 0, 0, 1, port: 7), .v4(127, 0, 0, 1, port: 8), outside]
        #expect(ourselves.leftOut(of: .peersFound(found, .dht)) == .peersFound([found[1], outside], .dht))
        #expect(ourselves.leftOut(of: .peersFound(found, .user)) == .peersFound(found, .user))
        ourselves.addHost(of: .v4(9, 9, 9, 9, port: 1_234))
        #expect(ourselves.leftOut(of: .peersFound([outside], .dht)) == .peersFound([], .dht))
    }

    @Test func payloadThatStopsArrivingEndsWithStalled() throws {
        var run = run()
        try metadataAndStorage(&run, now: at(10))
        #expect(run.stage == .downloading)
        #expect(run.nextDeadline == at(310))
        run.observed(snapshot { $0.downloadedBytes = 20_000 }, now: at(100))
        #expect(run.nextDeadline == at(400))
        // The same bytes again, and bytes that were thrown away, are no progress.
        run.observed(snapshot { $0.downloadedBytes = 20_000 }, now: at(200))
        run.observed(
            snapshot {
                $0.downloadedBytes = 24_000
                $0.wastedBytes = 4_000
            }, now: at(300))
        #expect(run.nextDeadline == at(400))
        run.timedOut(now: at(400))
        #expect(run.outcome?.status == .stalled)
        #expect(run.outcome?.message.contains("nothing arrived for 300 s") == true)
        #expect(run.outcome?.advice?.contains("/tmp/out") == true)
    }

    /// Bytes a second, and whether that keeps a download alive whose limit is 15 s (D6).
    @Test(arguments: [(100, false), (250, false), (260, true), (2_000, true)])
    func aTrickleIsNoProgress(bytesPerSecond: Int, isEnough: Bool) throws {
        var run = run { $0.limits.stall = .seconds(15) }
        try metadataAndStorage(&run, now: at(0))
        for second in 1...60 {
            run.observed(snapshot { $0.downloadedBytes = second * bytesPerSecond }, now: at(Double(second)))
            run.timedOut(now: at(Double(second)))
        }
        #expect((run.outcome?.status == .stalled) == !isEnough)
    }

    /// What was forgotten and comes again, in drops that never make a block, does not count twice.
    @Test func bytesOfBlocksThatAreNeverFinishedCountOnce() throws {
        var run = run { $0.limits.stall = .seconds(15) }
        try metadataAndStorage(&run, now: at(0))
        for second in 1...60 {
            let wasted = second / 10 * 5_000
            run.observed(
                snapshot {
                    $0.downloadedBytes = second * 500
                    $0.wastedBytes = wasted
                }, now: at(Double(second)))
            run.timedOut(now: at(Double(second)))
        }
        #expect(run.outcome?.status == .stalled)
    }

    @Test func checkingTheDiskHasNoLimitButTheWhole() throws {
        var run = run { $0.limits.total = .seconds(1_000) }
        run.nodeAnswered(now: at(1))
        run.happened(.peersFound([peer], .dht), now: at(2))
        run.happened(.metadata(try info()), now: at(3))
        #expect(run.stage == .checking)
        #expect(run.nextDeadline == at(1_000))
        run.timedOut(now: at(999))
        #expect(run.outcome == nil)
        run.timedOut(now: at(1_000))
        #expect(run.outcome?.status == .stalled)
    }

    @Test(arguments: [(0.0, ProgramExit.noDHT), (1, .nothingFound), (2, .noMetadata), (3, .stalled)])
    func theWholeLimitEndsWithTheCodeOfTheStage(steps: Double, expected: ProgramExit) throws {
        var run = run { $0.limits.total = .seconds(20) }
        if steps >= 1 { run.nodeAnswered(now: at(1)) }
        if steps >= 2 { run.happened(.peersFound([peer], .dht), now: at(2)) }
        if steps >= 3 { run.happened(.metadata(try info()), now: at(3)) }
        run.timedOut(now: at(20))
        #expect(run.outcome?.status == expected)
    }

    @Test func aCompleteDownloadEndsWithDoneAndTimings() throws {
        var run = run()
        run.nodeAnswered(now: at(1))
        run.happened(.peersFound([peer], .dht), now: at(2))
        run.happened(.peerConnected(peer), now: at(3))
        run.happened(.metadata(try info()), now: at(4))
        run.happened(.storageOpened(verifiedPieces: 0), now: at(4))
        for piece in 0..<3 { run.happened(.pieceVerified(piece), now: at(5 + Double(piece))) }
        run.observed(snapshot { $0.downloadedBytes = 32_788 }, now: at(7))
        _ = run.drainEvents()
        run.happened(.completed, now: at(8))
        #expect(run.outcome?.status == .done)
        guard case .completed(let info, let timings, let totals) = run.drainEvents().last else {
            Issue.record("no completed event")
            return
        }
        #expect(info.name == "photos")
        #expect(totals.downloaded == 32_788)
        #expect(timings.firstNode == .seconds(1))
        #expect(timings.firstPeer == .seconds(2))
        #expect(timings.firstConnection == .seconds(3))
        #expect(timings.metadata == .seconds(4))
        #expect(timings.firstPiece == .seconds(5))
        #expect(timings.complete == .seconds(8))
    }

    @Test func filesAreReportedWhenTheirLastPieceIsThere() throws {
        var run = run { $0.info = try? info() }
        var have = Bitfield(count: 3)
        have[0] = true
        run.foundOnDisk(have)
        #expect(run.drainEvents().isEmpty)
        run.happened(.pieceVerified(2), now: at(1))
        #expect(run.drainEvents().isEmpty)
        run.happened(.pieceVerified(1), now: at(2))
        #expect(run.drainEvents() == [.fileCompleted(0, try info()), .fileCompleted(1, try info())])
    }

    @Test func aTorrentThatIsWholeOnDiskNeedsNoNetwork() throws {
        var run = run { $0.info = try? info() }
        #expect(run.stage == .checking)
        run.happened(.storageOpened(verifiedPieces: 3), now: at(1))
        run.happened(.completed, now: at(1))
        #expect(run.outcome?.status == .done)
    }

    @Test func aTorrentThatIsNotWholeWaitsForTheDHTFirst() throws {
        var run = run { $0.info = try? info() }
        run.happened(.storageOpened(verifiedPieces: 0), now: at(5))
        #expect(run.stage == .bootstrap)
        #expect(run.nextDeadline == at(35))
        run.nodeAnswered(now: at(6))
        #expect(run.stage == .peers)
        run.happened(.peersFound([peer], .dht), now: at(7))
        #expect(run.stage == .downloading)
    }

    @Test func metadataIsAllThatAListWants() throws {
        var run = run { $0.goal = .metadata }
        run.happened(.peersFound([peer], .dht), now: at(1))
        run.happened(.metadata(try info()), now: at(2))
        #expect(run.outcome?.status == .done)
        #expect(run.info?.files.count == 2)
    }

    @Test func seedingGoesOnUntilItIsStoppedAndIsThenDone() throws {
        var run = run { $0.goal = .seeding }
        try metadataAndStorage(&run, now: at(1))
        run.happened(.completed, now: at(2))
        #expect(run.stage == .seeding)
        #expect(run.outcome == nil)
        #expect(run.nextDeadline == nil)
        run.timedOut(now: at(100_000))
        #expect(run.outcome == nil)
        run.stopped(by: .interrupted)
        #expect(run.outcome?.status == .done)
    }

    @Test(arguments: [ProgramExit.interrupted, .terminated])
    func anInterruptedDownloadSaysHowToGoOn(status: ProgramExit) throws {
        var run = run()
        try metadataAndStorage(&run, now: at(1))
        run.stopped(by: status)
        #expect(run.outcome?.status == status)
        #expect(run.outcome?.advice?.contains("run the same command again") == true)
    }

    @Test func aFullDiskEndsWithTheDiskCodeAndItsReason() throws {
        var run = run()
        try metadataAndStorage(&run, now: at(1))
        run.happened(.storageFailed, now: at(2))
        run.storageFailed("no space left for photos/a")
        #expect(run.outcome?.status == .disk)
        #expect(run.outcome?.message.hasPrefix("no space left for photos/a") == true)
    }

    @Test func unusableMetadataIsBadContent() {
        var run = run()
        run.happened(.peersFound([peer], .dht), now: at(1))
        run.happened(.metadataUnusable(.noFiles), now: at(2))
        #expect(run.outcome?.status == .badContent)
        #expect(run.outcome?.message.contains("\(MetainfoError.noFiles)") == true)
    }

    @Test func nothingChangesAfterTheEnd() throws {
        var run = run()
        run.stopped(by: .interrupted)
        let outcome = run.outcome
        run.happened(.completed, now: at(1))
        run.storageFailed("late")
        run.timedOut(now: at(1_000))
        #expect(run.outcome == outcome)
        #expect(run.stage == .finished)
    }

    @Test func severalRunsMakeOneLine() throws {
        var first = run()
        try metadataAndStorage(&first, now: at(1))
        first.observed(
            snapshot {
                $0.totalBytes = 300
                $0.verifiedBytes = 100
                $0.downloadRate = 50
                $0.peersConnected = 2
            }, now: at(2))
        var second = run()
        second.stopped(by: .interrupted)
        let state = GetRun.progress(of: [first, second])
        #expect(state.stage == .downloading)
        #expect(state.name == "1 of 2 done")
        #expect(state.totalBytes == 300)
        #expect(state.timeLeft == .seconds(4))
    }

    private func metadataAndStorage(_ run: inout GetRun, now: Instant) throws {
        run.nodeAnswered(now: now)
        run.happened(.peersFound([peer], .dht), now: now)
        run.happened(.metadata(try info()), now: now)
        run.happened(.storageOpened(verifiedPieces: 0), now: now)
    }
}
