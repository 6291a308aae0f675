import Primitives
import Testing

@testable import Simulator

@Suite struct LatencyModelTests {
    @Test func theInternetHasItsQuantiles() {
        let model = LatencyModel.internet
        var generator = SeededGenerator(number: 1)
        let samples = (0..<20_000).map { _ in
            let hash = generator.next()
            return (model.latency(from: 0, to: 1, hash: hash) * 2).inSeconds
        }
        let spread = Spread(samples)
        #expect(abs(spread.median - 0.120) < 0.004)
        #expect(abs(spread.p90 - 0.400) < 0.015)
        // exp(0.939 x 2.326) times the median.
        #expect(abs(spread.p99 - 1.067) < 0.08)
        #expect(spread.largest < 5)
    }

    @Test func anotherShapeCanBeAskedFor() {
        let model = LatencyModel.logNormal(medianRoundTrip: .milliseconds(50), p90RoundTrip: .milliseconds(80))
        let half = model.latency(from: 0, to: 1, hash: 1 << 63)
        #expect(abs(half.inSeconds - 0.025) < 0.0002)
    }

    @Test func uniformTimesStayInTheirRange() {
        let model = LatencyModel.uniform(.milliseconds(15)...(.milliseconds(85)))
        #expect(model.latency(from: 0, to: 1, hash: 0) == .milliseconds(15))
        #expect(model.latency(from: 0, to: 1, hash: .max) <= .milliseconds(85))
    }
}

@Suite struct DelayMatrixTests {
    @Test func aMatrixIsReadAsItIsWritten() throws {
        let text = """
            # three hosts
            0 10 20.5

            11,0,30   # and back
            21 31 0
            """
        let matrix = try DelayMatrix(parsing: text, as: .oneWay)
        #expect(matrix.size == 3)
        #expect(matrix.latency(from: 0, to: 2) == .microseconds(20_500))
        #expect(matrix.latency(from: 2, to: 0) == .milliseconds(21))
        // Hosts beyond the matrix take part again from its beginning.
        #expect(matrix.latency(from: 4, to: 5) == .milliseconds(30))
        let halved = try DelayMatrix(parsing: text, as: .roundTrip)
        #expect(halved.latency(from: 1, to: 0) == .microseconds(5500))
    }

    @Test(arguments: [
        ("1 2\n3 x", 2), ("1 2\n3", 2), ("1 2", 0), ("", 0), ("1 -2\n3 4", 1), ("nan", 1), ("1 2\n3 inf", 2),
    ])
    func whatIsNoMatrixIsRefused(text: String, line: Int) {
        #expect { try DelayMatrix(parsing: text, as: .oneWay) } throws: { error in
            (error as? DelayMatrix.Malformed)?.line == line
        }
    }
}
