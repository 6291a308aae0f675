import Metainfo
import PeerProtocol
import Primitives
import Testing

@testable import Simulator

/// The wires, disks and figures of a simulated swarm.
@Suite struct SwarmPartsTests {
    private func block(_ number: Int) -> BlockRequest {
        BlockRequest(piece: 0, offset: number * 16_384, length: 16_384)
    }

    @Test func whatIsWrittenLeavesAndIsReadInOrder() {
        var lane = Lane(sender: 0, receiver: 1, delayTicks: 2)
        var blocks: [BlockRequest] = []
        var bytes: [UInt8] = []
        lane.write([1, 2, 3][...])
        lane.write([4][...])
        lane.write(block(0))
        lane.write([5][...])
        #expect(lane.backlog == 4 + 13 + 16_384 + 1)
        // The second message leaves with the third half byte.
        #expect(lane.leave(3.5, blocks: &blocks) == (1, 3) && lane.leave(0.5, blocks: &blocks) == (1, 1))
        #expect(lane.leave(16_000, blocks: &blocks) == (0, 16_000) && blocks == [])
        #expect(lane.leave(1e9, blocks: &blocks) == (2, 398) && blocks == [block(0)] && lane.backlog == 0)
        lane.arrived = 4
        #expect(lane.read(into: &bytes) == nil && bytes == [1, 2, 3, 4])
        #expect(lane.read(into: &bytes) == block(0) && bytes == [])
        #expect(lane.read(into: &bytes) == nil && bytes == [5] && lane.arrived == 0)
    }

    @Test func whatHasNotLeftIsLostWithTheConnection() {
        var lane = Lane(sender: 0, receiver: 1, delayTicks: 0)
        var blocks: [BlockRequest] = []
        var bytes: [UInt8] = []
        lane.write([1, 2][...])
        lane.write([3, 4][...])
        _ = lane.leave(3, blocks: &blocks)
        lane.cut()
        #expect(lane.backlog == 0)
        lane.arrived = 1
        #expect(lane.read(into: &bytes) == nil && bytes == [1, 2])
        #expect(lane.read(into: &bytes) == nil && bytes == [])
    }

    @Test func aDiskWritesInItsOwnTimeAndKnowsWhoLied() throws {
        let builder = InfoBuilder(name: "x", length: 65_536, pieceLength: 32_768)
        let info = try builder.info(pieceHashes: [.zero, .zero])
        var disk = SwarmDisk(info: info, isFull: false, bytesPerTick: 16_384, delayTicks: 3)
        disk.store(0, offset: 0, count: 16_384, lie: 0)
        disk.store(1, offset: 16_384, count: 16_384, lie: 7)
        disk.store(0, offset: 16_384, count: 16_384, lie: 0)
        disk.store(1, offset: 0, count: 16_384, lie: 0)
        #expect(disk.backlog == 65_536)
        var verdicts: [Int: (piece: Int, wrong: [UInt64]?)] = [:]
        for tick in 1...10 {
            disk.advance(to: tick)
            while let verdict = disk.nextVerdict(at: tick) { verdicts[tick] = (verdict.piece, verdict.wrongBlocks) }
        }
        #expect(disk.backlog == 0 && disk.largestBacklog == 65_536 && disk.isIdle && verdicts.count == 2)
        #expect(try #require(verdicts[6]) == (0, nil))
        let second = try #require(verdicts[7])
        #expect(second.piece == 1 && second.wrong == [0, 7])
    }

    @Test func theBoundIsThatOfTheScarcestLink() {
        func seconds(_ up: Double, _ down: Double) -> Double {
            SwarmBound(byteCount: 1_000_000_000, seedRate: 125e6, downRate: down, downloaders: 100, upRates: 100 * up)
                .seconds
        }
        #expect(seconds(125e6, 125e6) == 8 && seconds(125e6, 12.5e6) == 80)
        #expect((seconds(62.5e6, 125e6) * 10).rounded() == 157 && (seconds(12.5e6, 125e6) * 10).rounded() == 727)
        #expect((seconds(1.25e6, 125e6)).rounded() == 400)
    }

    @Test func confidenceComesWithSeeds() {
        var study = SwarmStudy()
        for last in [10.0, 12, 14] {
            var report = SwarmReport(
                bound: SwarmBound(byteCount: 10, seedRate: 1, downRate: 1, downloaders: 1, upRates: 1))
            report.completionSeconds = [last]
            study.append(report)
            if last == 10 { #expect(study.estimate(\.ratio) == .init(mean: 1, margin: nil)) }
        }
        let estimate = study.estimate(\.lastSeconds)
        #expect(estimate.mean == 12)
        // 4.303 times 2 / sqrt(3).
        #expect(abs((estimate.margin ?? 0) - 4.969) < 0.001)
        #expect(study.downloaders == 1 && study.completion(ofRank: 1) == estimate)
        #expect(study.completion(ofRank: 2).mean == .infinity)
        let curves = study.chart.panels[0].curves
        #expect(curves.map(\.points.count) == [1, 1, 1, 2] && curves[0].points == [Chart.Point(12, 100)])
        #expect(curves[1].points[0].x < 12 && curves[2].points[0].x > 12 && curves[3].points[1] == Chart.Point(10, 100))
        #expect(study.chart.svg.hasSuffix("</svg>\n"))
    }
}
