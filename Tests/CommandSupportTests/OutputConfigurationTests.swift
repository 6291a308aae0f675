import Testing

@testable import CommandSupport

@Suite struct OutputConfigurationTests {
    private func configuration(
        _ change: (inout OutputConfiguration.Wishes, inout Surroundings) -> Void
    ) -> OutputConfiguration {
        var wishes = OutputConfiguration.Wishes()
        var surroundings = Surroundings()
        surroundings.errorIsTerminal = true
        surroundings.outputIsTerminal = true
        change(&wishes, &surroundings)
        return OutputConfiguration(wishes, in: surroundings)
    }

    @Test func progressIsDrawnOnATerminalOnly() {
        #expect(configuration { _, _ in }.progress == .drawn)
        #expect(configuration { $1.errorIsTerminal = false }.progress == .plain)
        #expect(configuration { $1.isDumb = true }.progress == .plain)
    }

    @Test func quietAndJSONShowNoProgressUnlessAskedTo() {
        #expect(configuration { wishes, _ in wishes.quiet = true }.progress == .none)
        #expect(configuration { wishes, _ in wishes.json = true }.progress == .none)
        let both = configuration { wishes, _ in
            wishes.json = true
            wishes.progress = .plain
        }
        #expect(both.progress == .plain)
    }

    @Test func noColorTurnsColoursOffButAFlagWins() {
        #expect(configuration { _, _ in }.usesColor)
        #expect(!configuration { $1.refusesColor = true }.usesColor)
        #expect(!configuration { $1.errorIsTerminal = false }.usesColor)
        let forced = configuration { wishes, surroundings in
            wishes.color = .always
            surroundings.refusesColor = true
        }
        #expect(forced.usesColor)
        #expect(!configuration { wishes, _ in wishes.color = .never }.usesColor)
    }

    @Test func resultsAreEscapedForPeopleAndRawForPipes() {
        #expect(configuration { _, _ in }.escapesResults)
        #expect(!configuration { $1.outputIsTerminal = false }.escapesResults)
    }
}
