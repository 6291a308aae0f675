/// One measured figure, with what it must not miss, if anything.
package struct Figure: Equatable, Sendable {
    package enum Bound: Equatable, Sendable {
        case atLeast(Double)
        case atMost(Double)
    }

    /// Stable, in snake_case, with the unit last.
    package let name: String
    package let value: Double
    package let bound: Bound?

    package init(_ name: String, _ value: Double, _ bound: Bound? = nil) {
        (self.name, self.value, self.bound) = (name, value, bound)
    }

    package init(_ name: String, _ value: Int, _ bound: Bound? = nil) {
        self.init(name, Double(value), bound)
    }

    /// A part of a whole; a part of nothing is 0.
    package init(_ name: String, _ part: Int, of whole: Int, _ bound: Bound? = nil) {
        self.init(name, whole == 0 ? 0 : Double(part) / Double(whole), bound)
    }

    /// Whether the bound is kept; true when there is none.
    package var isHeld: Bool {
        switch bound {
        case .atLeast(let limit): value >= limit
        case .atMost(let limit): value <= limit
        case nil: true
        }
    }
}
