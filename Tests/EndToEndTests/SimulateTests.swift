import Foundation
import Testing

/// `dhtnode simulate` as people start it.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct SimulateTests {
        private func run(_ lab: Lab, _ arguments: [String]) async throws -> Ending {
            try await lab.startProgram("dhtnode", ["simulate"] + arguments).end(within: 50)
        }

        @Test func lookupsArePrintedDrawnAndRepeated() async throws {
            try await Lab.run { lab in
                let network = [
                    "--nodes", "60", "--lookups", "10", "--askers", "2", "--policies", "ours,libtorrent-like", "--json",
                ]
                let plot = lab.path("plot.svg")
                let first = try await run(lab, network + ["--seed", "3", "--plot", plot])
                let report = try #require(try first.event("simulated_lookups"), first.comment)
                #expect(report["policies"]?.array?.count == 2 && report["commit"]?.string?.count ?? 0 >= 7)
                let ours = try #require(report["policies"]?.array?.first)
                #expect(ours["found"]?.integer ?? 0 > 0 && ours["found"]?.integer == ours["lookups"]?.integer)
                let drawing = try String(contentsOfFile: plot, encoding: .utf8)
                #expect(drawing.contains("<svg") && drawing.contains("ours"))
                let again = try await run(lab, network + ["--seed", "3"])
                #expect(try again.event("simulated_lookups")?["digest"]?.string == report["digest"]?.string)
                let other = try await run(lab, network + ["--seed", "4"])
                #expect(try other.event("simulated_lookups")?["digest"]?.string != report["digest"]?.string)
            }
        }

        @Test func magnetsAreResolvedOrTheirFailureIsTold() async throws {
            try await Lab.run { lab in
                let network = [
                    "magnet", "--nodes", "50", "--warm-up", "5", "--magnets", "2", "--peers", "20", "--metadata-max",
                    "40KB", "--json",
                ]
                let first = try await run(lab, network)
                let report = try #require(try first.event("simulated_magnets"), first.comment)
                #expect(first.code == 0 && report["resolved"]?.integer == 2 && report["peers"]?.integer == 20)
                let again = try await run(lab, network)
                #expect(try again.event("simulated_magnets")?["digest"]?.string == report["digest"]?.string)
                let dead = try await run(lab, network + ["--dead-peers", "1", "--patience", "10"])
                #expect(try dead.event("simulated_magnets")?["resolved"]?.integer == 0, dead.comment)
                #expect(dead.code == 1 && dead.errors.contains("2 magnets not resolved"), dead.comment)
            }
        }

        @Test func swarmsOfSeveralSeedsAreTheSameOnSeveralThreads() async throws {
            try await Lab.run { lab in
                let swarm = [
                    "swarm", "--downloaders", "6", "--free-riders", "2", "--size", "2MB", "--piece", "64KiB",
                    "--seed-up",
                    "16Mbit/s", "--up", "8Mbit/s", "--down", "80Mbit/s", "--slots", "2", "--choke-interval", "1",
                ]
                let several = try await run(lab, swarm + ["--seeds", "3", "--json"])
                let report = try #require(try several.event("simulated_swarm"), several.comment)
                #expect(report["runs"]?.integer == 3 && report["reports"]?.array?.count == 3)
                let curve = try #require(report["curve"]?.array).compactMap { $0["mean"]?.number }
                #expect(curve.count == 8 && curve == curve.sorted() && curve[0] > 0)
                #expect(report["free_rider_seconds"]?["margin"]?.number ?? 0 > 0)
                let threads = try await run(lab, swarm + ["--seeds", "3", "--json", "--jobs", "3"])
                #expect(try threads.event("simulated_swarm")?["reports"] == report["reports"], threads.comment)
                let first = try #require(report["reports"]?.array?.first?["completion_seconds"])
                for rule in ["--random-pieces", "--no-tit-for-tat", "--no-end-game"] {
                    let without = try await run(lab, swarm + ["--json", rule])
                    let other = try without.event("simulated_swarm")?["reports"]?.array?.first?["completion_seconds"]
                    #expect(other != nil && other != first, "\(rule): \(without.comment)")
                }
            }
        }

        @Test func whatCannotBeSimulatedIsRefused() async throws {
            try await Lab.run { lab in
                for arguments in [
                    ["--nodes", "1"], ["--loss", "2"], ["--policies", "fastest"], ["--latency", "slow"],
                    ["growth", "--sizes", "20,10"], ["faults", "--seeds", "0"], ["week", "--nodes", "3"],
                    ["magnet", "--liars", "0.7", "--slow", "0.7"], ["swarm", "--jobs", "0"], ["sleep"],
                ] {
                    let usage = try await run(lab, arguments)
                    #expect(usage.code == 64 && usage.output.isEmpty && !usage.errors.isEmpty, usage.comment)
                }
            }
        }
    }
}
