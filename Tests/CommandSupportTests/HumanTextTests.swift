import Testing

@testable import CommandSupport

@Suite struct HumanTextTests {
    @Test(arguments: [
        (0, "0 B"), (-5, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"),
        (1_048_575, "1.0 MiB"), (64 << 20, "64.0 MiB"), (5 << 40, "5.0 TiB"), (Int.max, "8.0 EiB"),
    ])
    func sizesHaveOneDigitAndTheirUnit(bytes: Int, expected: String) {
        #expect(HumanText.size(bytes) == expected)
    }

    @Test(arguments: [(0.0, "0 B/s"), (2_048, "2.0 KiB/s"), (.nan, "0 B/s"), (.infinity, "0 B/s"), (-1, "0 B/s")])
    func ratesOfNonsenseAreNone(rate: Double, expected: String) {
        #expect(HumanText.rate(rate) == expected)
    }

    @Test(arguments: [(0, "0:00"), (7, "0:07"), (754, "12:34"), (3_723, "1:02:03"), (277_200, "3d 05h"), (-3, "0:00")])
    func durationsReadAsClocks(seconds: Int, expected: String) {
        #expect(HumanText.clock(.seconds(seconds)) == expected)
    }

    @Test(arguments: [(400, "0.4 s"), (12_000, "12 s"), (120_500, "120 s"), (1_250, "1.3 s")])
    func secondsReadAsInSentences(milliseconds: Int, expected: String) {
        #expect(HumanText.seconds(.milliseconds(milliseconds)) == expected)
    }

    @Test(arguments: [(0, 0, 0), (0, 10, 0), (999, 1_000, 99), (1_000, 1_000, 100), (1 << 60, 1 << 61, 50)])
    func percentIsHundredOnlyWhenAllIsThere(part: Int, whole: Int, expected: Int) {
        #expect(HumanText.percent(part, of: whole) == expected)
    }
}
