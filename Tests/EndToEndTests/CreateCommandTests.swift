import Foundation
import Glibc
import Testing

/// `create`: what it writes is what libtorrent makes of the same files.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct CreateCommandTests {
        /// Reads the .torrent, makes one of the same files itself, and compares.
        private static let compare = """
            import json, os, sys, libtorrent as lt
            torrent, parent = sys.argv[1:]
            given = lt.bdecode(open(torrent, "rb").read())
            read = lt.torrent_info(torrent)
            info = given[b"info"]
            files = lt.file_storage()
            name = info[b"name"].decode()
            for file in info.get(b"files", [{b"length": info.get(b"length"), b"path": []}]):
                path = os.path.join(name, *[part.decode() for part in file[b"path"]])
                files.add_file(path, os.path.getsize(os.path.join(parent, path)))
            maker = lt.create_torrent(files, info[b"piece length"], lt.create_torrent.v1_only)
            maker.set_priv(bool(info.get(b"private")))
            lt.set_piece_hashes(maker, parent)
            own = maker.generate()[b"info"]
            if b"source" in info: own[b"source"] = info[b"source"]
            print(json.dumps({
                "event": "read", "info_hash": str(read.info_hash()), "same_info": lt.bencode(own) == lt.bencode(info),
                "own_hash": str(lt.torrent_info({b"info": own}).info_hash()), "private": read.priv(),
                "trackers": [[t.url, t.tier] for t in read.trackers()], "comment": read.comment(),
                "nodes": [list(node) for node in read.nodes()], "keys": sorted(k.decode() for k in given)}))
            """

        private func libtorrentReads(_ torrent: String, _ parent: String, in lab: Lab) async throws -> JSON {
            let python = try #require(Machine.python)
            let run = try await lab.start([python, "-W", "ignore", "-c", Self.compare, torrent, parent]).end(within: 20)
            return try #require(try run.event("read"), run.comment)
        }

        private func create(_ arguments: [String], in lab: Lab) async throws -> Ending {
            try await lab.startProgram("magnetget", ["create"] + arguments).end(within: 30)
        }

        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func libtorrentMakesTheSameOfAFolder() async throws {
            let sizes = [
                "one byte": 1, "empty": 0, "a/block": 16_384, "a.txt": 5, "a/b/odd.bin": 2_000_001,
                "ünï/日本.txt": 70_000,
            ]
            try await Lab.run { lab in
                for (name, size) in sizes { _ = try lab.makeFile("data/tree/" + name, byteCount: size) }
                _ = try lab.makeFile("data/tree/.hidden", byteCount: 3)
                let torrent = lab.path("t.torrent")
                let run = try await create(
                    [
                        lab.path("data/tree"), "-o", torrent, "--piece-length", "32K", "--comment", "hé", "--private",
                        "--source", "X", "--tracker", "udp://127.0.0.1:1/a", "--tracker", "http://127.0.0.1:2/b",
                    ], in: lab)
                #expect(run.code == 0 && run.output.hasPrefix("magnet:?xt=urn:btih:"), run.comment)
                #expect(run.errors.contains("hidden"), run.comment)
                let read = try await libtorrentReads(torrent, lab.path("data"), in: lab)
                #expect(read["same_info"] == .bool(true) && read["private"] == .bool(true), "\(read)")
                #expect(read["own_hash"] == read["info_hash"])
                #expect(run.output.contains(read["info_hash"]?.string ?? "none"), run.comment)
                #expect(run.output.hasSuffix("&tr=udp%3A%2F%2F127.0.0.1%3A1%2Fa&tr=http%3A%2F%2F127.0.0.1%3A2%2Fb\n"))
                #expect(read["comment"]?.string == "hé")
                let tiers = read["trackers"]?.array?.map { $0.array?.last?.integer }
                #expect(tiers == [0, 1], "\(read)")

                // Not a byte differs the next time, and nothing is overwritten unasked.
                let before = try Data(contentsOf: URL(filePath: torrent))
                let again = try await create([lab.path("data/tree"), "-o", torrent], in: lab)
                #expect(again.code == 7 && again.errors.contains("--force"), again.comment)
                #expect(try Data(contentsOf: URL(filePath: torrent)) == before)
            }
        }

        @Test(
            .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
            arguments: [0, 1, 3_000_000])
        func libtorrentMakesTheSameOfAFile(size: Int) async throws {
            try await Lab.run { lab in
                let file = try lab.makeFile("data/file ü.bin", byteCount: size)
                let torrent = lab.path("t.torrent")
                let arguments = [file, "-o", torrent, "--json", "--node", "127.0.0.1:6881", "--date", "7", "--force"]
                let run = try await create(arguments, in: lab)
                #expect(run.code == 0, run.comment)
                let created = try #require(try run.event("created"), run.comment)
                #expect(created["size"]?.integer == size && created["path"]?.string == torrent)
                let bytes = try Data(contentsOf: URL(filePath: torrent))
                #expect(try await create(arguments, in: lab).code == 0)
                #expect(try Data(contentsOf: URL(filePath: torrent)) == bytes)
                // libtorrent takes no torrent without a byte.
                guard size > 0 else { return }
                let read = try await libtorrentReads(torrent, lab.path("data"), in: lab)
                #expect(read["same_info"] == .bool(true) && read["info_hash"] == created["info_hash"], "\(read)")
                #expect(read["nodes"]?.array?.first?.array?.first?.string == "127.0.0.1", "\(read)")
                #expect(read["keys"]?.array?.compactMap(\.string) == ["creation date", "info", "nodes"])
            }
        }

        @Test func whatIsNoFileIsRefused() async throws {
            try await Lab.run { lab in
                let folder = try lab.makeFolder("data")
                #expect(try await create([folder], in: lab).code == 64)
                #expect(try await create([lab.path("none")], in: lab).code == 64)
                #expect(try await create([folder, "--piece-length", "17K"], in: lab).code == 64)
                #expect(try await create([folder, "--tracker", "nonsense"], in: lab).code == 64)
                #expect(mkfifo(folder + "/pipe", 0o600) == 0)
                let special = try await create([folder, "-o", lab.path("t.torrent")], in: lab)
                #expect(special.code == 7 && special.errors.contains("pipe"), special.comment)
                #expect(!FileManager.default.fileExists(atPath: lab.path("t.torrent")))
            }
        }

        @Test func aSignalLeavesNoFile() async throws {
            try await Lab.run { lab in
                let file = try lab.makeFile("data/file", byteCount: 1)
                // Zeros that take no room, and more of them than are hashed in the time.
                #expect(truncate(file, 200 << 30) == 0)
                let target = try lab.makeFolder("target")
                let child = try lab.startProgram("magnetget", ["create", file, "-o", target + "/t.torrent"])
                try await Task.sleep(for: .seconds(1))
                child.send(SIGINT)
                let run = try await child.end(within: 3)
                #expect(run.code == 130 && run.output.isEmpty, run.comment)
                #expect(try FileManager.default.contentsOfDirectory(atPath: target) == [])
            }
        }
    }
}
