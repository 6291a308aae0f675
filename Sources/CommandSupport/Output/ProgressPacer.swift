import Primitives

/// Says when a progress line is due: often on a terminal, seldom in a log, and in a log at each new stage.
struct ProgressPacer: Sendable {
    static let drawnInterval = Duration.milliseconds(200)
    static let plainInterval = Duration.seconds(5)

    private let style: OutputConfiguration.Progress
    private var last: (at: Instant, stage: GetStage)?

    init(_ style: OutputConfiguration.Progress) {
        self.style = style
    }

    mutating func isDue(_ stage: GetStage, now: Instant) -> Bool {
        let isDue =
            switch style {
            case .none: false
            case .drawn: last.map { now >= $0.at + Self.drawnInterval } ?? true
            case .plain: last.map { $0.stage != stage || now >= $0.at + Self.plainInterval } ?? true
            }
        if isDue { last = (now, stage) }
        return isDue
    }
}
