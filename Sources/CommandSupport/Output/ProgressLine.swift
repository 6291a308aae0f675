import Primitives

/// What a progress line shows: the state of one download, or the sum of several.
package struct ProgressState: Equatable, Sendable {
    package var stage = GetStage.bootstrap
    /// What is done with the bytes on disk, where that is all there is to do.
    package var activity: String?
    /// Escaped when shown.
    package var name = ""
    package var doneBytes = 0
    package var totalBytes = 0
    package var uploadedBytes = 0
    /// Bytes per second.
    package var downloadRate = 0.0
    package var uploadRate = 0.0
    package var peersFound = 0
    package var peersConnecting = 0
    package var peersConnected = 0
    package var usesDHT = true
    package var nodes = NodeCounts()
    /// How many are asked, and how many have answered.
    package var trackers = 0
    package var trackersAnswered = 0
    package var timeLeft: Duration?

    package init() {}
}

/// Draws a state as one line of at most so many columns.
package enum ProgressLine {
    private static let barMin = 10
    private static let barMax = 40

    /// For a terminal: with a bar where there is room, never wider than `columns`, nothing lost that matters most.
    package static func drawn(_ state: ProgressState, columns: Int) -> String {
        let showsBar = state.totalBytes > 0 && (state.stage == .downloading || state.stage == .checking)
        guard showsBar else { return TerminalText.truncated(plain(state), to: columns) }
        let percent = percentText(state)
        // From the least to the most important: what does not fit goes in this order.
        let rate = HumanText.rate(state.downloadRate)
        let details = [
            [amounts(state), rate, connections(state), timeLeft(state)],
            [amounts(state), rate, timeLeft(state)],
            [rate, timeLeft(state)],
            [rate],
        ]
        let name = TerminalText.escaped(state.name)
        for detail in details {
            let tail = ([percent] + detail.compactMap(\.self)).joined(separator: "  ")
            let room = columns - TerminalText.width(of: tail) - barMin - 4
            guard room >= 0 else { continue }
            let shownName = room >= 8 && !name.isEmpty ? TerminalText.truncated(name, to: min(room - 2, 30)) + "  " : ""
            let barWidth = min(barMax, room - TerminalText.width(of: shownName) + barMin)
            return shownName + bar(state, width: barWidth) + "  " + tail
        }
        return TerminalText.truncated("\(percent)  \(rate)", to: columns)
    }

    /// For a log: everything in words.
    package static func plain(_ state: ProgressState) -> String {
        let dht = "\(HumanText.count(state.nodes.answers, "answer")) to \(state.nodes.queriesSent) queries"
        switch state.stage {
        case .bootstrap: return "joining the DHT: \(dht)"
        case .peers:
            var asked: [String] = []
            if state.trackers > 0 {
                asked.append("\(state.trackersAnswered) of \(HumanText.count(state.trackers, "tracker")) answered")
            }
            if state.usesDHT { asked += [dht, "\(HumanText.count(state.nodes.contacts, "node")) known"] }
            return "looking for peers" + (asked.isEmpty ? "" : ": " + asked.joined(separator: ", "))
        case .metadata: return "fetching metadata: \(peers(state))"
        case .checking:
            let name = TerminalText.escaped(state.name)
            guard let activity = state.activity else { return "checking what is on disk: \(name)" }
            let percent = HumanText.percent(state.doneBytes, of: state.totalBytes)
            let parts = [
                "\(percent) % of \(HumanText.size(state.totalBytes))", HumanText.rate(state.downloadRate),
                timeLeft(state),
            ]
            return "\(activity) \(name): " + parts.compactMap(\.self).joined(separator: ", ")
        case .downloading:
            let parts = [
                "\(HumanText.percent(state.doneBytes, of: state.totalBytes)) % of \(HumanText.size(state.totalBytes))",
                HumanText.rate(state.downloadRate), peers(state), timeLeft(state),
            ]
            return "\(TerminalText.escaped(state.name)): " + parts.compactMap(\.self).joined(separator: ", ")
        case .seeding:
            let rate = HumanText.rate(state.uploadRate)
            return "seeding \(TerminalText.escaped(state.name)): \(HumanText.count(state.peersConnected, "peer")), "
                + "\(HumanText.size(state.uploadedBytes)) uploaded, \(rate)"
        case .finished: return "\(TerminalText.escaped(state.name)): done"
        }
    }

    private static func bar(_ state: ProgressState, width: Int) -> String {
        let done = min(state.doneBytes, state.totalBytes)
        let filled = Int(Double(done) / Double(max(1, state.totalBytes)) * Double(width))
        let head = filled > 0 && filled < width ? ">" : ""
        let body = String(repeating: "=", count: filled - head.count)
        return "[" + body + head + String(repeating: " ", count: width - filled) + "]"
    }

    private static func connections(_ state: ProgressState) -> String? {
        state.activity == nil ? HumanText.count(state.peersConnected, "peer") : nil
    }

    private static func peers(_ state: ProgressState) -> String {
        var text = "\(HumanText.count(state.peersFound, "peer")) found"
        if state.peersConnecting > 0 { text += ", \(state.peersConnecting) connecting" }
        return text + ", \(state.peersConnected) connected"
    }

    private static func percentText(_ state: ProgressState) -> String {
        let text = String(HumanText.percent(state.doneBytes, of: state.totalBytes))
        return String(repeating: " ", count: max(0, 3 - text.count)) + text + " %"
    }

    private static func amounts(_ state: ProgressState) -> String {
        "\(HumanText.size(state.doneBytes)) of \(HumanText.size(state.totalBytes))"
    }

    private static func timeLeft(_ state: ProgressState) -> String? {
        guard state.doneBytes < state.totalBytes else { return nil }
        return state.timeLeft.map { "ETA " + HumanText.clock($0) }
    }
}
