/// An amount that halves with each half-life that passes.
package struct FadingAmount: Sendable {
    private let halfLife: Duration
    private var amount = 0
    /// Up to then the amount has been halved.
    private var since = Instant.origin

    package init(halfLife: Duration) {
        self.halfLife = halfLife
    }

    package func amount(now: Instant) -> Int { halved(now: now).amount }

    package mutating func add(_ more: Int, now: Instant) {
        self = halved(now: now)
        amount += more
    }

    /// Halved once for each half-life that has passed as a whole; one that was nothing begins now.
    private func halved(now: Instant) -> FadingAmount {
        var result = self
        if amount > 0 {
            // Mostly it is looked at within one half-life, often for each block.
            guard now - since >= halfLife else { return self }
            let times = (now - since).wholeNanoseconds / max(1, halfLife.wholeNanoseconds)
            result.amount = amount >> min(times, 62)
            result.since = since + halfLife * Int(times)
        }
        if result.amount == 0 { result.since = now }
        return result
    }
}
