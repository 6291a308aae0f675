import RealModule

/// The drawing as a file that every browser shows.
extension Chart {
    private static let panelWidth = 440.0
    private static let plotHeight = 270.0
    private static let margin = (left: 62.0, right: 22.0, top: 104.0, bottom: 62.0)

    package var svg: String {
        let width = Self.panelWidth * Double(max(panels.count, 1)) + 12
        let height = Self.margin.top + Self.plotHeight + Self.margin.bottom
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.text(width)) \(Self.text(height))\" "
                + "width=\"\(Self.text(width))\" height=\"\(Self.text(height))\" "
                + "font-family=\"Inter, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif\" font-size=\"12\" "
                + "fill=\"#30363d\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            "<text x=\"22\" y=\"32\" font-size=\"18\" font-weight=\"600\" fill=\"#14181d\">"
                + Self.escaped(title) + "</text>",
            "<text x=\"22\" y=\"52\" fill=\"#68717b\">\(Self.escaped(subtitle))</text>",
        ]
        for (index, panel) in panels.enumerated() {
            let frame = Frame(
                left: Self.panelWidth * Double(index) + Self.margin.left, top: Self.margin.top,
                width: Self.panelWidth - Self.margin.left - Self.margin.right, height: Self.plotHeight)
            lines += panel.lines(in: frame)
        }
        return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    /// Where a panel's axes are, in the units of the drawing.
    fileprivate struct Frame {
        let left, top, width, height: Double
        var right: Double { left + width }
        var bottom: Double { top + height }
    }

    /// Two digits after the point are finer than any screen.
    fileprivate static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        guard hundredths % 100 != 0 else { return String(hundredths / 100) }
        let fraction = abs(hundredths) % 100
        let sign = hundredths < 0 ? "-" : ""
        return "\(sign)\(abs(hundredths) / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    fileprivate static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}

extension Chart.Axis {
    /// Where between the ends of the axis a value lies, 0 to 1.
    fileprivate func position(of value: Double) -> Double {
        let inside = min(max(value, range.lowerBound), range.upperBound)
        switch scale {
        case .linear: return (inside - range.lowerBound) / (range.upperBound - range.lowerBound)
        case .logarithmic:
            return Double.log(inside / range.lowerBound) / Double.log(range.upperBound / range.lowerBound)
        }
    }
}

extension Chart.Panel {
    fileprivate func lines(in frame: Chart.Frame) -> [String] {
        [
            label(title, frame.left, frame.top - 26, "font-size=\"14\" font-weight=\"600\" fill=\"#14181d\"")
        ] + legend(in: frame) + grid(in: frame) + curves.flatMap { draw($0, in: frame) }
    }

    private func label(_ text: String, _ x: Double, _ y: Double, _ attributes: String = "") -> String {
        "<text x=\"\(Chart.text(x))\" y=\"\(Chart.text(y))\" \(attributes)>\(Chart.escaped(text))</text>"
    }

    /// The names of the curves in one row above the axes.
    private func legend(in frame: Chart.Frame) -> [String] {
        var lines: [String] = []
        var left = frame.left
        for curve in curves where !curve.name.isEmpty {
            let dash = curve.isDashed ? " stroke-dasharray=\"4 3\"" : ""
            lines.append(
                "<path d=\"M\(Chart.text(left)) \(Chart.text(frame.top - 12))h16\" stroke=\"\(curve.color)\" "
                    + "stroke-width=\"3\"\(dash)/>")
            lines.append(label(curve.name, left + 21, frame.top - 8, "font-size=\"11.5\""))
            left += 37 + 6.2 * Double(curve.name.count)
        }
        return lines
    }

    private func grid(in frame: Chart.Frame) -> [String] {
        var lines: [String] = []
        for tick in x.ticks {
            let at = frame.left + frame.width * x.position(of: tick.value)
            let path = "M\(Chart.text(at)) \(Chart.text(frame.top))V\(Chart.text(frame.bottom))"
            lines.append("<path d=\"\(path)\" stroke=\"#e6e9ed\"/>")
            lines.append(label(tick.label, at, frame.bottom + 18, "text-anchor=\"middle\" fill=\"#68717b\""))
        }
        for tick in y.ticks {
            let at = frame.bottom - frame.height * y.position(of: tick.value)
            let path = "M\(Chart.text(frame.left)) \(Chart.text(at))H\(Chart.text(frame.right))"
            lines.append("<path d=\"\(path)\" stroke=\"#e6e9ed\"/>")
            lines.append(label(tick.label, frame.left - 8, at + 4, "text-anchor=\"end\" fill=\"#68717b\""))
        }
        let corner = "M\(Chart.text(frame.left)) \(Chart.text(frame.top))V\(Chart.text(frame.bottom))"
        lines.append("<path d=\"\(corner)H\(Chart.text(frame.right))\" fill=\"none\" stroke=\"#9aa4af\"/>")
        let middle = frame.left + frame.width / 2
        lines.append(label(x.title, middle, frame.bottom + 40, "text-anchor=\"middle\""))
        let (side, height) = (frame.left - 46, frame.top + frame.height / 2)
        let turn = "text-anchor=\"middle\" transform=\"rotate(-90 \(Chart.text(side)) \(Chart.text(height)))\""
        lines.append(label(y.title, side, height, turn))
        return lines
    }

    private func draw(_ curve: Chart.Curve, in frame: Chart.Frame) -> [String] {
        let places = curve.points.map { point in
            (
                x: frame.left + frame.width * x.position(of: point.x),
                y: frame.bottom - frame.height * y.position(of: point.y)
            )
        }
        guard !places.isEmpty else { return [] }
        let path = places.map { "\(Chart.text($0.x)) \(Chart.text($0.y))" }.joined(separator: "L")
        let dash = curve.isDashed ? " stroke-dasharray=\"5 4\"" : ""
        var lines = [
            "<path d=\"M\(path)\" fill=\"none\" stroke=\"\(curve.color)\" stroke-width=\"2.2\" "
                + "stroke-linejoin=\"round\"\(dash)/>"
        ]
        for place in places where curve.hasDots {
            lines.append(
                "<circle cx=\"\(Chart.text(place.x))\" cy=\"\(Chart.text(place.y))\" r=\"3.6\" fill=\"\(curve.color)\" "
                    + "stroke=\"#ffffff\" stroke-width=\"1.2\"/>")
        }
        return lines
    }
}
