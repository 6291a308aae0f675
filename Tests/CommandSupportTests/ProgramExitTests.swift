import Testing

@testable import CommandSupport

@Suite struct ProgramExitTests {
    @Test func theCodesAreThoseOfTheContract() {
        #expect(ProgramExit.allCases.map(\.rawValue) == [0, 1, 3, 4, 5, 6, 7, 8, 64, 130, 141, 143])
    }

    @Test(arguments: [
        (GetStage.bootstrap, ProgramExit.noDHT), (.peers, .nothingFound), (.metadata, .noMetadata),
        (.checking, .stalled), (.downloading, .stalled), (.seeding, .done), (.finished, .done),
    ])
    func aStageThatIsNotLeftHasItsCode(stage: GetStage, status: ProgramExit) {
        #expect(stage.failure == status)
    }

    @Test func theHelpNamesEveryCode() {
        let help = ProgramExit.helpText()
        for status in ProgramExit.allCases {
            #expect(help.contains(" \(status.rawValue)  \(status.meaning)"))
        }
    }
}
