import CommandSupport
import Primitives
import Simulator

/// The report of `simulate lookups` for people.
enum LookupsText {
    static func lines(_ report: SimulationReport, _ options: SimulationOptions) -> [String] {
        let counts = report.policies
        var lines = [
            "\(report.nodeCount) nodes (\(counts.ours) ours, \(counts.libtorrentLike) libtorrent-like, "
                + "\(counts.classic) classic and \(counts.hostile) hostile joined; "
                + "\(report.departures) departed), \(HumanText.clock(report.duration)) simulated",
            "\(report.announcesStored) of \(HumanText.count(report.announces, "announce")) stored; "
                + "\(report.traffic.events) events, \(report.traffic.datagramsSent) packets, "
                + "\(percent(report.traffic.datagramsLost, of: report.traffic.datagramsSent)) lost",
            "contacts handed out to askers: \(dead(report.handedOut))",
            "",
            row("", report.figures.map(\.policy.rawValue)),
            row("found", report.figures.map { percent($0.succeeded, of: $0.lookups) }),
        ]
        lines += spread("first value, s", report) { $0.firstValueSeconds }
        lines += spread("closest set, s", report) { $0.closestSetSeconds }
        lines += spread("queries until first value", report) { $0.packetsUntilFirstValue }
        lines += spread("queries until closest set", report) { $0.packetsUntilClosestSet }
        lines += spread("queries deep, first value", report) { $0.firstValueDepth }
        lines += [
            row("nearest node found", report.figures.map { percent($0.closestFound, of: $0.closestChecked) }),
            row("dead contacts got", report.figures.map { percent($0.handedOut.uselessShare) }),
        ]
        return lines
    }

    private static func spread(
        _ name: String, _ report: SimulationReport, _ spread: (LookupFigures) -> Spread
    ) -> [String] {
        [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)].map { label, share in
            row("\(name) \(label)", report.figures.map { number(spread($0).quantile(share)) })
        }
    }

    private static func row(_ name: String, _ values: [String]) -> String {
        padded(name, 30, atEnd: true) + values.map { padded($0, 17, atEnd: false) }.joined()
    }

    private static func padded(_ text: String, _ width: Int, atEnd: Bool) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.count))
        return atEnd ? text + padding : padding + text
    }

    static func dead(_ handedOut: LookupFigures.HandedOut) -> String {
        "\(handedOut.contacts), \(percent(handedOut.uselessShare)) of them dead "
            + "(\(percent(handedOut.gone, of: handedOut.contacts)) gone, "
            + "\(percent(handedOut.unreachable, of: handedOut.contacts)) unreachable)"
    }

    static func percent(_ part: Int, of whole: Int) -> String {
        percent(whole == 0 ? 0 : Double(part) / Double(whole))
    }

    static func percent(_ share: Double) -> String {
        let hundredths = Int((share * 10_000).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
    }

    /// Three digits after the point below 10, one from there on, none for whole numbers.
    static func number(_ value: Double) -> String {
        if value == value.rounded() { return String(Int(value)) }
        let factor = value < 10 ? 1000.0 : 10
        return String((value * factor).rounded() / factor)
    }
}
