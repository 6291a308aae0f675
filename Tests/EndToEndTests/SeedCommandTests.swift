import Foundation
import Glibc
import Testing

/// `seed`: what is there is served, what is not is said.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct SeedCommandTests {
        private func torrent(of name: String, byteCount: Int, in lab: Lab) async throws -> String {
            let file = try lab.makeFile("data/" + name, byteCount: byteCount)
            let torrent = lab.path("t.torrent")
            let run = try await lab.startProgram("magnetget", ["create", file, "-o", torrent]).end(within: 20)
            try #require(run.code == 0, run.comment)
            return torrent
        }

        private func magnet(_ torrent: String, in lab: Lab) async throws -> String {
            let run = try await lab.magnetget([torrent, "--list", "--json", "--no-dht"], within: 10)
            return "magnet:?xt=urn:btih:" + (try run.event("metadata")?["info_hash"]?.string ?? "")
        }

        @Test(
            .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
            arguments: [SIGINT, SIGTERM])
        func libtorrentFindsItInTheDHTAndASignalIsACleanStop(signal: CInt) async throws {
            try await Lab.run { lab in
                let torrent = try await torrent(of: "file.bin", byteCount: 3_000_000, in: lab)
                let network = try await LibtorrentNetwork(in: lab)
                let seed = try lab.startMagnetget([
                    "seed", torrent, lab.path("data"), "--json", "--bootstrap", network.bootstrap,
                ])
                try await seed.wait(for: "announced", within: 30)
                let downloader = try lab.startRig(
                    "downloader",
                    [
                        try await magnet(torrent, in: lab), "--output", try lab.makeFolder("theirs"), "--address",
                        lab.address(), "--bootstrap", network.bootstrap,
                    ])
                try await downloader.wait(for: "completed", within: 40)
                #expect(areEqual(lab.path("data/file.bin"), lab.path("theirs/file.bin")))
                seed.send(signal)
                let run = try await seed.end(within: 5)
                #expect(try run.code == 0 && run.event("error") == nil, run.comment)
                #expect(files(below: lab.path("data")) == ["file.bin"], "no marker is left")
            }
        }

        @Test func itStopsAtTheRatioAndAfterTheTime() async throws {
            try await Lab.run { lab in
                let torrent = try await torrent(of: "file.bin", byteCount: 3_000_000, in: lab)
                let options = ["--no-dht", "--network", "private", "-v"]
                let seed = try lab.startMagnetget(
                    ["seed", torrent, lab.path("data"), "--seed-ratio", "1", "--progress", "plain"] + options)
                let endpoint = try await seed.wait(for: "where it listens", within: 10) {
                    seed.errors.split(separator: "\n").first { $0.contains("listening on ") }
                        .map { String($0.split(separator: " ").last ?? "") }
                }
                let link = try await magnet(torrent, in: lab)
                let get = try await lab.magnetget([link, "--peer", endpoint, "-o", lab.path("new")] + options)
                #expect(get.code == 0, get.comment)
                let run = try await seed.end(within: 10)
                #expect(run.code == 0 && run.errors.contains("stopped seeding"), run.comment)

                let timed = try await lab.magnetget(
                    ["seed", torrent, lab.path("data"), "--seed-time", "1"] + options, within: 10)
                #expect(timed.code == 0 && timed.seconds >= 1, timed.comment)
                #expect(timed.errors.contains("after 1 s"), timed.comment)
            }
        }

        @Test func whatIsNotThereIsSaid() async throws {
            try await Lab.run { lab in
                let torrent = try await torrent(of: "file.bin", byteCount: 300_000, in: lab)
                let arguments = ["seed", torrent, lab.path("data"), "--no-dht", "--network", "private"]
                let file = lab.path("data/file.bin")
                let handle = try #require(FileHandle(forWritingAtPath: file))
                try handle.seek(toOffset: 200_000)
                try handle.write(contentsOf: Data(repeating: 1, count: 100))
                try handle.close()
                let damaged = try await lab.magnetget(arguments, within: 10)
                #expect(damaged.code == 8 && damaged.errors.contains("not what the torrent says"), damaged.comment)
                #expect(truncate(file, 10) == 0)
                let short = try await lab.magnetget(arguments, within: 10)
                #expect(short.code == 8 && short.errors.contains("too short: file.bin"), short.comment)
                #expect(unlink(file) == 0)
                let missing = try await lab.magnetget(arguments, within: 10)
                #expect(missing.code == 8 && missing.errors.contains("missing: file.bin"), missing.comment)
                #expect(files(below: lab.path("data")) == [], "nothing is made")
            }
        }
    }
}
