/// A drawing of a few panels side by side, each with curves over one pair of axes.
package struct Chart: Equatable, Sendable {
    package var title: String
    /// What was run, in smaller type.
    package var subtitle: String
    package var panels: [Panel]

    package init(title: String, subtitle: String, panels: [Panel]) {
        (self.title, self.subtitle, self.panels) = (title, subtitle, panels)
    }

    package struct Panel: Equatable, Sendable {
        package var title: String
        package var x: Axis
        package var y: Axis
        package var curves: [Curve]

        package init(title: String, x: Axis, y: Axis, curves: [Curve]) {
            (self.title, self.x, self.y, self.curves) = (title, x, y, curves)
        }
    }

    package struct Axis: Equatable, Sendable {
        package enum Scale: Equatable, Sendable { case linear, logarithmic }

        package var title: String
        package var scale: Scale
        package var range: ClosedRange<Double>
        package var ticks: [Tick]

        package init(title: String, scale: Scale, range: ClosedRange<Double>, ticks: [Tick]) {
            (self.title, self.scale, self.range, self.ticks) = (title, scale, range, ticks)
        }
    }

    package struct Tick: Equatable, Sendable {
        package var value: Double
        package var label: String

        package init(_ value: Double, _ label: String) {
            (self.value, self.label) = (value, label)
        }
    }

    package struct Point: Equatable, Sendable {
        package var x: Double
        package var y: Double

        package init(_ x: Double, _ y: Double) {
            (self.x, self.y) = (x, y)
        }
    }

    package struct Curve: Equatable, Sendable {
        package var name: String
        /// As SVG writes it.
        package var color: String
        /// Ascending in x.
        package var points: [Point]
        /// A dot on every point: few were measured.
        package var hasDots: Bool
        package var isDashed: Bool

        package init(name: String, color: String, points: [Point], hasDots: Bool = false, isDashed: Bool = false) {
            (self.name, self.color, self.points) = (name, color, points)
            (self.hasDots, self.isDashed) = (hasDots, isDashed)
        }
    }
}
