import Foundation
import Glibc
import Testing

/// `verify`: data that is right, wrong, cut short and gone.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct VerifyCommandTests {
        private let sizes = ["a.bin": 300_000, "b/c.bin": 200_000, "empty": 0, "z": 7]

        private func verify(_ lab: Lab, _ options: [String] = []) async throws -> Ending {
            try await lab.startProgram("magnetget", ["verify", lab.path("t.torrent"), lab.path("data")] + options)
                .end(within: 20)
        }

        private func prepare(_ lab: Lab) async throws {
            for (name, size) in sizes { _ = try lab.makeFile("data/tree/" + name, byteCount: size) }
            let arguments = ["create", lab.path("data/tree"), "-o", lab.path("t.torrent"), "--piece-length", "16K"]
            let run = try await lab.startProgram("magnetget", arguments).end(within: 20)
            try #require(run.code == 0, run.comment)
        }

        @Test func whatIsRightIs0AndNothingIsChanged() async throws {
            try await Lab.run { lab in
                try await prepare(lab)
                let before = files(below: lab.path("data"))
                let run = try await verify(lab)
                #expect(run.code == 0 && run.output.isEmpty && run.errors.contains("all 31 pieces"), run.comment)
                let event = try #require(try await verify(lab, ["--json"]).event("verified"))
                #expect(event["complete"] == .bool(true) && event["verified_bytes"]?.integer == 500_007)
                #expect(files(below: lab.path("data")) == before, "no marker is left")
            }
        }

        @Test func whatIsWrongIsNamed() async throws {
            try await Lab.run { lab in
                try await prepare(lab)
                try flip(lab.path("data/tree/a.bin"), at: 100_000)
                #expect(truncate(lab.path("data/tree/b/c.bin"), 190_000) == 0)
                #expect(unlink(lab.path("data/tree/z")) == 0)
                let run = try await verify(lab)
                #expect(run.code == 8, run.comment)
                #expect(
                    run.output.split(separator: "\n") == [
                        "bad pieces: 6, 29-30", "damaged: tree/a.bin, pieces 6",
                        "too short: tree/b/c.bin (190000 instead of 200000 bytes), pieces 29-30",
                        "missing: tree/z, pieces 30",
                    ], run.comment)
                let event = try #require(try await verify(lab, ["--json"]).event("verified"))
                #expect(event["code"]?.integer == 8 && event["bad_piece_count"]?.integer == 3)
                let faults = event["files"]?.array?.compactMap { $0["fault"]?.string }
                #expect(faults == ["damaged", "too_short", "missing"], "\(event)")
            }
        }

        @Test func aFolderWithoutTheDataIs8() async throws {
            try await Lab.run { lab in
                try await prepare(lab)
                try FileManager.default.removeItem(atPath: lab.path("data/tree"))
                let run = try await verify(lab)
                #expect(run.code == 8 && run.output.hasPrefix("bad pieces: 0-30\nmissing: tree/a.bin"), run.comment)
            }
        }

        @Test func whatCannotBeCheckedIs64() async throws {
            try await Lab.run { lab in
                try await prepare(lab)
                let magnet = try await lab.startProgram("magnetget", ["verify", Sources.nobodyHas, lab.folder])
                    .end(within: 10)
                #expect(magnet.code == 64 && magnet.errors.contains(".torrent"), magnet.comment)
                try FileManager.default.removeItem(atPath: lab.path("data"))
                #expect(try await verify(lab).code == 64)
            }
        }

        private func flip(_ path: String, at offset: UInt64) throws {
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            defer { try? file.close() }
            try file.seek(toOffset: offset)
            let byte = try #require(try file.read(upToCount: 1)?.first)
            try file.seek(toOffset: offset)
            try file.write(contentsOf: Data([byte ^ 1]))
        }
    }
}
