import ArgumentParser
import CommandSupport
import Simulator

/// Attacks, each with and without the defence against it.
struct SimulateAttacks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attacks",
        abstract: "Attacks on a network or a node, with and without the defence.",
        discussion: """
            \(Attack.allCases.map(\.rawValue).joined(separator: ", ")), or all of them. Without its defence the same \
            node is configured not to do what protects it. Ends with exit code 1 if a defence does not hold.
            """)

    @Argument(help: ArgumentHelp("Which; all if none is named.", valueName: "name"))
    var names: [Attack] = []

    @Option(help: ArgumentHelp("Runs of each, with this many seeds from --seed on.", valueName: "n"))
    var seeds = 1

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    func validate() throws {
        guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000.") }
    }

    func run() async throws {
        var run = SimulationRun(output)
        var reports: [AttackReport] = []
        for attack in names.isEmpty ? Attack.allCases : names {
            for number in 0..<UInt64(seeds) {
                for isDefended in [false, true] {
                    let scenario = AttackScenario(attack, isDefended: isDefended, seed: output.seed &+ number)
                    let report = try run.carryOut(scenario)
                    reports.append(report)
                    run.console.note(Self.line(report))
                }
            }
        }
        let digest = reports.reduce(0) { $0 &* 31 &+ $1.digest }
        let broken = reports.filter { !$0.isHeld }
        try run.report(
            "simulated_attacks", digest: digest, text: reports.map(Self.line),
            members: [.init("broken", .integer(broken.count)), .init("attacks", .array(reports.map(Self.members)))])
        guard broken.isEmpty else {
            for report in broken { run.console.error("the defence does not hold: \(Self.line(report))") }
            throw ExitCode(ProgramExit.failure.rawValue)
        }
    }

    private static func line(_ report: AttackReport) -> String {
        let figures = report.figures.map { "\($0.name.replacing("_", with: " ")) \(LookupsText.number($0.value))" }
        let defence = report.isDefended ? "defended" : "without defence"
        return "\(report.attack.rawValue), \(defence), seed \(report.seed): \(figures.joined(separator: ", "))"
    }

    private static func members(_ report: AttackReport) -> JSONValue {
        .object(
            [
                .init("attack", .string(report.attack.rawValue)), .init("defended", .bool(report.isDefended)),
                .init("seed", .string(String(report.seed))), .init("holds", .bool(report.isHeld)),
            ] + report.figures.map { .init($0.name, .number($0.value)) })
    }
}

extension Attack: ExpressibleByArgument {}
