import Primitives

/// Says when a progress line is due: often on a terminal; in a log every few seconds, and sooner at a new stage.
struct ProgressPacer: Sendable {
    static let drawnInterval = Duration.milliseconds(200)
    static let plainInterval = Duration.seconds(5)
    /// Stages that pass faster leave no line: what takes no time needs no telling.
    static let stageInterval = Duration.seconds(1)

    private let style: OutputConfiguration.Progress
    private var last: (at: Instant, stage: GetStage?)?

    init(_ style: OutputConfiguration.Progress) {
        self.style = style
    }

    mutating func isDue(_ stage: GetStage, now: Instant) -> Bool {
        guard let last else {
            last = (now, nil)
            return style == .drawn
        }
        let interval =
            switch style {
            case .none: Duration.seconds(Int64.max)
            case .drawn: Self.drawnInterval
            case .plain: stage == last.stage ? Self.plainInterval : Self.stageInterval
            }
        guard now >= last.at + interval else { return false }
        self.last = (now, stage)
        return true
    }
}
