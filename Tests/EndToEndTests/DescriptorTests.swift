import Foundation
import Testing

/// Both programs where the system lets them open next to nothing.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct DescriptorTests {
        /// Every command, with arguments that would keep it busy.
        private func commands(in lab: Lab) throws -> [[String]] {
            let id = String(repeating: "5a", count: 20)
            let entry = ["--bootstrap", lab.address() + ":9", "--network", "private", "--bind", lab.address()]
            let file = try lab.makeFile("file.bin", byteCount: 1_000)
            let loader = [
                ["dhtnode", "run", "--no-state", "--port", "0"] + entry, ["dhtnode", "find", id] + entry,
                ["dhtnode", "peers", id] + entry, ["dhtnode", "get", id] + entry, ["dhtnode", "put", "text"] + entry,
                ["dhtnode", "scrape", id] + entry, ["dhtnode", "sample"] + entry, ["dhtnode", "ping", "127.0.0.1:9"],
                ["dhtnode", "testnet", "--nodes", "3"], ["dhtnode", "simulate", "lookups", "--nodes", "50"],
                ["magnetget", Sources.nobodyHas, "-o", lab.path("new")] + entry,
                ["magnetget", "meta", Sources.nobodyHas, "-o", lab.path("new")] + entry,
                ["magnetget", "create", file, "-o", lab.path("t.torrent")],
                ["magnetget", "verify", lab.path("t.torrent"), lab.folder],
                ["magnetget", "seed", lab.path("t.torrent"), lab.folder],
            ]
            return loader.map { [Machine.programs.appending(path: $0[0]).path] + $0.dropFirst() }
        }

        @Test(.enabled(if: Machine.has("prlimit"), "there is no prlimit")) func tooFewAreSaidInOneLine() async throws {
            try await Lab.run { lab in
                for command in try commands(in: lab) {
                    for count in [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 28, 40] {
                        let run = try await lab.start(["prlimit", "--nofile=\(count):\(count)", "--"] + command)
                            .end(within: 20)
                        // Below five the system's loader may be the one that says so.
                        #expect(run.code == 1 || count < 5 && run.code == 127, run.comment)
                        guard run.code == 1 else { continue }
                        let isSaid = run.errors.contains(" of the \(count) files and sockets")
                        #expect(isSaid && run.output.isEmpty, run.comment)
                        let lines = run.errors.split(separator: "\n")
                        #expect(lines.count == 2 && lines[0].contains(": error: ") && lines[1].contains(": try: "))
                    }
                }
            }
        }

        @Test(.enabled(if: Machine.has("prlimit"), "there is no prlimit")) func aFewMoreAreEnough() async throws {
            try await Lab.run { lab in
                let limit = ["prlimit", "--nofile=64:64", "--"]
                let source = try lab.makeFile("seed/payload.bin", byteCount: 2_000_000)
                let network = try await Testnet(nodes: 10, seeding: source, in: lab)
                let run = try await lab.magnetget(
                    [network.magnet, "--bootstrap", network.bootstrap, "-o", lab.path("new")], in: limit)
                #expect(run.code == 0, run.comment)
                #expect(areEqual(source, lab.path("new/payload.bin")))
                let find = ["find", String(repeating: "5a", count: 20), "--bootstrap", network.bootstrap]
                let found = try await lab.startProgram("dhtnode", find, in: limit).end(within: 20)
                #expect(found.code == 0, found.comment)
            }
        }
    }
}
