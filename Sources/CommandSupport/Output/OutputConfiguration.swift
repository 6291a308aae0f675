/// How a program talks, as its flags and surroundings decide.
package struct OutputConfiguration: Equatable, Sendable {
    package enum Progress: Equatable, Sendable {
        /// One line that is drawn again and again.
        case drawn
        /// A line every few seconds.
        case plain
        case none
    }

    /// What the flags say.
    package struct Wishes: Equatable, Sendable {
        package var json = false
        package var quiet = false
        package var verbosity = 0
        package var progress = ProgressChoice.auto
        package var color = ColorChoice.auto

        package init() {}
    }

    /// Events as JSON lines on standard output instead of results as text.
    package let json: Bool
    /// Nothing but results and errors.
    package let isQuiet: Bool
    package let verbosity: Int
    package let progress: Progress
    /// Whether standard error gets colours.
    package let usesColor: Bool
    /// Whether results are looked at by a person, so that names in them must be escaped.
    package let escapesResults: Bool

    package init(_ wishes: Wishes, in surroundings: Surroundings) {
        json = wishes.json
        isQuiet = wishes.quiet
        verbosity = wishes.quiet ? 0 : wishes.verbosity
        escapesResults = surroundings.outputIsTerminal
        usesColor =
            switch wishes.color {
            case .always: true
            case .never: false
            case .auto: surroundings.errorIsTerminal && !surroundings.refusesColor && !surroundings.isDumb
            }
        progress =
            switch wishes.progress {
            case .none: .none
            case .plain: .plain
            // Machines read `progress` events; both on one terminal would be a muddle.
            case .auto where wishes.quiet || wishes.json: .none
            case .auto: surroundings.errorIsTerminal && !surroundings.isDumb ? .drawn : .plain
            }
    }
}

package enum ProgressChoice: String, CaseIterable, Sendable { case auto, plain, none }
package enum ColorChoice: String, CaseIterable, Sendable { case auto, always, never }
