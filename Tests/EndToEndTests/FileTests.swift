import Foundation
import Glibc
import Testing

/// Which files are fetched, and where they go: --select, --stdout, padding, and more files than may be open.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct FileTests {
        private static let sizes = [
            "tree/a.bin": 100_000, "tree/b.txt": 3_000, "tree/sub/c.bin": 200_001, "tree/sub/d.txt": 5_000,
            "tree/x.tar": 150_000,
        ]

        /// A torrent made by `create` and seeded by libtorrent; its path, and how to reach the seeder alone.
        private func seed(
            _ sizes: [String: Int] = Self.sizes, _ options: [String] = [], in lab: Lab
        ) async throws -> (torrent: String, source: [String]) {
            for (name, size) in sizes { _ = try lab.makeFile("seed/" + name, byteCount: size) }
            let torrent = lab.path("tree.torrent")
            let arguments = ["create", lab.path("seed/tree"), "-o", torrent, "--piece-length", "32K"] + options
            let made = try await lab.startProgram("magnetget", arguments).end(within: 30)
            #expect(made.code == 0, made.comment)
            let seeder = try lab.startRig(
                "seeder", ["--torrent", torrent, "--save-path", lab.path("seed"), "--address", lab.address()])
            let endpoint = try await seeder.wait(for: "ready")["endpoint"]?.string ?? ""
            return (torrent, [torrent, "--peer", endpoint, "--no-dht", "--no-state", "--network", "private"])
        }

        @Test func selectedFilesArriveAndLaterTheRest() async throws {
            try await Lab.run { lab in
                let (_, source) = try await seed(in: lab)
                let target = try lab.makeFolder("new")
                let first = try await lab.magnetget(source + ["-o", target, "--json", "--select", "*.txt"])
                #expect(first.code == 0, first.comment)
                #expect(files(below: target + "/tree") == ["b.txt", "sub/d.txt"])
                let completed = try first.events().filter { $0.event == "file_completed" }
                // In the order in which their last pieces came.
                #expect(completed.compactMap { $0["index"]?.integer }.sorted() == [1, 3], first.comment)
                #expect(try first.event("completed")?["size"]?.integer == 8_000)

                let rest = try await lab.magnetget(source + ["-o", target, "--json"])
                #expect(rest.code == 0, rest.comment)
                for name in Self.sizes.keys {
                    #expect(areEqual(lab.path("seed/" + name), target + "/" + name), "\(name)")
                }
                let downloaded = try rest.event("completed")?["downloaded_bytes"]?.integer ?? .max
                #expect(downloaded <= 458_001 - 2 * 32_768, "what the first run had is not fetched again")
                #expect(!files(below: target).contains { $0.hasSuffix(".parts") })
            }
        }

        @Test func whatMatchesNothingIsAnError() async throws {
            try await Lab.run { lab in
                let (torrent, source) = try await seed(in: lab)
                for options in [["-o", lab.path("new")], ["--list"]] {
                    let run = try await lab.magnetget(source + ["--select", "*.mkv"] + options)
                    #expect(run.code == 64 && run.errors.contains("'*.mkv' does not match any of 5 files"), run.comment)
                    #expect(run.errors.contains("1 a.bin"), run.comment)
                }
                #expect(files(below: lab.path("new")).isEmpty)
                let list = try await lab.magnetget([torrent, "--list", "--select", "2,sub"])
                let lines = list.output.split(separator: "\n").map(String.init)
                #expect(lines.map { $0.contains("* ") } == [false, true, true, true, false], list.comment)
                #expect(lines.first?.hasPrefix("1  ") == true && lines.last?.hasSuffix("  tree/x.tar") == true)
            }
        }

        @Test func aFileGoesToStandardOutputInOrder() async throws {
            try await Lab.run { lab in
                let (_, source) = try await seed(in: lab)
                let run = try await lab.magnetget(source + ["--stdout", "--select", "sub/d.txt"])
                #expect(run.code == 0, run.comment)
                let shell = "\"$@\" --stdout --select sub/c.bin > \(lab.path("c")) && cd / && ls \(lab.folder)"
                let program = Machine.programs.appending(path: "magnetget").path
                let command = [program] + source + ["--bind", lab.address()]
                let other = try await lab.start(["sh", "-c", shell, "sh"] + command).end(within: 30)
                #expect(other.code == 0, other.comment)
                #expect(areEqual(lab.path("seed/tree/sub/c.bin"), lab.path("c")))
                let several = try await lab.magnetget(source + ["--stdout"])
                #expect(several.code == 64 && several.output.isEmpty, several.comment)
                let json = try await lab.magnetget(source + ["--stdout", "--json", "--select", "1"])
                #expect(json.code == 64, json.comment)
            }
        }

        @Test func whenNobodyReadsStandardOutputItEndsQuietly() async throws {
            try await Lab.run { lab in
                let (_, source) = try await seed(["tree/a.bin": 8 << 20, "tree/b": 1], in: lab)
                let program = Machine.programs.appending(path: "magnetget").path
                let command = [program] + source + ["--bind", lab.address(), "--stdout", "--select", "1"]
                let script =
                    "TMPDIR=\(lab.folder) \"$@\" | head -c 1000 > /dev/null; echo ${PIPESTATUS[0]}; ls \(lab.folder)"
                let run = try await lab.start(["bash", "-c", script, "bash"] + command).end(within: 30)
                #expect(run.output.hasPrefix("141\n"), run.comment)
                #expect(!run.output.contains("\nmagnetget-"), "its temporary folder is gone: \(run)")
                #expect(!run.errors.contains("error"), run.comment)
            }
        }

        @Test func alignedTorrentsAreThoseOfLibtorrent() async throws {
            let read = """
                import json, sys, libtorrent as lt
                info = lt.torrent_info(sys.argv[1])
                files = info.files()
                pads = [i for i in range(files.num_files()) if files.file_flags(i) & lt.file_storage.flag_pad_file]
                starts = [files.file_offset(i) % info.piece_length() for i in range(files.num_files()) if i not in pads]
                hash = str(info.info_hash())
                print(json.dumps({"event": "read", "info_hash": hash, "pads": len(pads), "starts": starts}))
                """
            try await Lab.run { lab in
                let (torrent, source) = try await seed(Self.sizes, ["--align"], in: lab)
                let python = try #require(Machine.python)
                let seen = try await lab.start([python, "-W", "ignore", "-c", read, torrent]).end(within: 20)
                let event = try #require(try seen.event("read"), seen.comment)
                #expect(event["pads"]?.integer == 4)
                #expect(event["starts"]?.array?.allSatisfy { $0.integer == 0 } == true, seen.comment)

                let run = try await lab.magnetget(source + ["-o", lab.path("new"), "--json"])
                #expect(run.code == 0, run.comment)
                #expect(try run.event("completed")?["info_hash"] == event["info_hash"])
                #expect(try run.event("completed")?["size"]?.integer == 458_001)
                #expect(files(below: lab.path("new/tree")) == files(below: lab.path("seed/tree")))
                for name in Self.sizes.keys { #expect(areEqual(lab.path("seed/" + name), lab.path("new/" + name))) }
                let check = try await lab.startProgram("magnetget", ["verify", torrent, lab.path("new")]).end(
                    within: 20)
                #expect(check.code == 0, check.comment)
            }
        }

        @Test func moreFilesThanMayBeOpen() async throws {
            var sizes: [String: Int] = [:]
            for number in 0..<2_000 { sizes["tree/\(number % 40)/\(number)"] = 1 + number * 7_919 % 20_000 }
            try await Lab.run { lab in
                let (torrent, source) = try await seed(sizes, in: lab)
                let limit = ["prlimit", "--nofile=128:128", "--"]
                let run = try await lab.magnetget(source + ["-o", lab.path("new")], in: limit)
                #expect(run.code == 0, run.comment)
                let check = try await lab.startProgram("magnetget", ["verify", torrent, lab.path("new")]).end(
                    within: 20)
                #expect(check.code == 0, check.comment)
                // Again, with everything there: all is hashed by several threads, each with files of its own.
                let again = try await lab.magnetget(source + ["-o", lab.path("new"), "--recheck"], in: limit)
                #expect(again.code == 0, again.comment)
            }
        }
    }
}
