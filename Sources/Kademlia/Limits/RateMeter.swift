import Primitives

/// How often something happened per second, over the last whole ten seconds.
struct RateMeter: Sendable {
    private static let window = Duration.seconds(10)

    private var windowEnd = Instant(nanoseconds: .min)
    private var current: Int32 = 0
    private var previous: Int32 = 0

    mutating func roll(now: Instant) {
        guard now >= windowEnd else { return }
        previous = now < windowEnd + Self.window ? current : 0
        current = 0
        windowEnd = now + Self.window
    }

    mutating func count(_ number: Int32) {
        current &+= number
    }

    var perSecond: Double { Double(previous) / Self.window.inSeconds }
}
