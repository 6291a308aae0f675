import Primitives
import Testing

@testable import Simulator

@Suite struct CalibrationTests {
    /// 24 nodes, one place for warm askers and three for cold ones; round trips of 20 to 160 ms.
    private static func options() throws -> CalibrationOptions {
        var generator = SeededGenerator(number: 5)
        let size = 28
        var rows = [[Int]](repeating: [Int](repeating: 0, count: size), count: size)
        for row in 0..<size {
            for column in 0...row {
                let delay = Int.random(in: 10...80, using: &generator)
                (rows[row][column], rows[column][row]) = (delay, delay)
            }
        }
        let text = rows.map { $0.map(String.init).joined(separator: " ") }.joined(separator: "\n")
        var options = CalibrationOptions(delays: try DelayMatrix(parsing: text, as: .oneWay))
        (options.nodeCount, options.warmAskers) = (24, 1)
        (options.rounds, options.deadRounds) = (12, 12)
        options.warmUp = .seconds(60)
        return options
    }

    @Test func everyKindOfLookupFindsItsPeer() throws {
        var calibration = Calibration(try Self.options())
        let report = calibration.run()
        #expect(report.announcesStored == 24)
        // Warm ones of two clients, cold ones of three; all of them twice.
        #expect(report.figures.count == 10)
        for figures in report.figures {
            #expect(figures.lookups == 12)
            #expect(figures.firstPeerSeconds.count == 12, "\(figures)")
            // Nothing is sooner than the fastest round trip.
            #expect(figures.firstPeerSeconds.smallest >= 0.02, "\(figures)")
        }
    }

    @Test func whoWaitsForTheBootstrapIsLater() throws {
        var calibration = Calibration(try Self.options())
        let figures = calibration.run().figures.filter { $0.deadShare == 0 }
        let median = { (client: CalibrationClient, isWarm: Bool) in
            try #require(figures.first { $0.client == client && $0.isWarm == isWarm }).firstPeerSeconds.median
        }
        #expect(try median(.libtorrentLike, true) < median(.libtorrentLikeEager, false))
        #expect(try median(.libtorrentLikeEager, false) < median(.libtorrentLike, false))
    }

    @Test func oneSeedIsOneRun() throws {
        var (first, second) = (Calibration(try Self.options()), Calibration(try Self.options()))
        #expect(first.run() == second.run())
        var options = try Self.options()
        options.seed = 2
        var other = Calibration(options)
        #expect(other.run().digest != first.finish().digest)
    }

    @Test func hostsSitAtTheRowsThatTheyAreGiven() throws {
        let matrix = try DelayMatrix(parsing: "0 1 2\n1 5 3\n2 3 0", as: .oneWay)
        let arranged = matrix.arranged([2, 0, 1, 1])
        #expect(arranged.size == 4)
        #expect(arranged.latency(from: 0, to: 1) == .milliseconds(2))
        #expect(arranged.latency(from: 2, to: 0) == .milliseconds(3))
        #expect(arranged.latency(from: 2, to: 3) == .milliseconds(5))
    }
}
