import Glibc
import Testing

/// A piece on record is on disk, whatever happens.
///
/// `MAINLINE_POWERCUTS` sets how many seeds are tried, 300 without it; a failure names the seed.
@Suite struct DurabilityTests {
    private static let seeds = getenv("MAINLINE_POWERCUTS").flatMap { UInt64(String(cString: $0)) } ?? 300

    @Test func noKillNoPowerCutAndNoFailureMakesTheRecordLie() throws {
        for seed in 0..<Self.seeds {
            let violation = try violation(seed: seed, omitting: .nothing)
            #expect(violation == nil, "seed \(seed)")
            if violation != nil { return }
        }
    }

    @Test(arguments: [DurabilityScenario.Omission.dataSync, .folderSync])
    func aMissingSynchronizationIsNoticed(omission: DurabilityScenario.Omission) throws {
        let noticed = try (0..<100).count { try violation(seed: UInt64($0), omitting: omission) != nil }
        #expect(noticed > 5, "or the checks would be worth nothing")
    }

    private func violation(seed: UInt64, omitting omission: DurabilityScenario.Omission) throws -> String? {
        var scenario = try DurabilityScenario(seed: seed, omitting: omission)
        do {
            try scenario.run()
            return nil
        } catch let violation as DurabilityScenario.Violation {
            return violation.description
        }
    }
}
