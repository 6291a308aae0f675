import Foundation
import Testing

/// `meta`: metadata of several at once, written as .torrent files.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct MetaCommandTests {
        /// Seeders of three small files, which know nothing of a DHT; their magnets name them.
        private func magnets(in lab: Lab) async throws -> [(infoHash: String, magnet: String)] {
            var found: [(String, String)] = []
            for index in 0..<3 {
                let source = try lab.makeFile("seed/file \(index)", byteCount: 100_000 + index)
                let seeder = try lab.startRig("seeder", ["--file", source, "--address", lab.address()])
                let ready = try await seeder.wait(for: "ready")
                let link = "\(ready["magnet"]?.string ?? "")&x.pe=\(ready["endpoint"]?.string ?? "")"
                found.append((ready["info_hash"]?.string ?? "", link + "&tr=udp%3A%2F%2F127.0.0.1%3A\(index + 1)"))
            }
            return found
        }

        private let options = ["--no-dht", "--no-trackers", "--network", "private"]

        @Test func severalAreWrittenAndAFailureStopsNoOther() async throws {
            try await Lab.run { lab in
                let magnets = try await magnets(in: lab)
                let nobody = try SilentSocket(lab.address(), SOCK_STREAM)
                let list = ["# magnets", "", "  \(Sources.nobodyHas)&x.pe=\(nobody.endpoint)"] + magnets.map(\.magnet)
                try Data(list.joined(separator: "\n").utf8).write(to: URL(filePath: lab.path("list")))
                let command = ["meta", "--input", lab.path("list"), "-o", lab.path("torrents/here"), "--jobs", "2"]
                let run = try await lab.magnetget(command + options + ["--metadata-timeout", "4"], within: 40)
                #expect(run.code == 5, run.comment)
                let paths = magnets.map { lab.path("torrents/here/\($0.infoHash).torrent") }
                #expect(run.output.split(separator: "\n").map(String.init).sorted() == paths.sorted(), run.comment)
                for (index, path) in paths.enumerated() {
                    let bytes = try Data(contentsOf: URL(filePath: path))
                    #expect(bytes.range(of: Data("announce17:udp://127.0.0.1:\(index + 1)".utf8)) != nil)
                    let verify = try lab.startProgram("magnetget", ["verify", path, lab.path("seed")])
                    #expect(try await verify.end(within: 10).code == 0)
                }

                // What is there is not fetched again, so nobody is asked.
                let hashes = magnets.map(\.infoHash)
                let again = try await lab.magnetget(
                    ["meta", "-o", lab.path("torrents/here"), "--json", "--network", "private", "--no-dht", "--peer"]
                        + [nobody.endpoint] + hashes, within: 10)
                #expect(again.code == 0, again.comment)
                #expect(try again.events().filter { $0.event == "saved" }.count == 3, again.comment)
            }
        }

        @Test func oneGoesToStandardOutputOrIsSavedOnTheWay() async throws {
            try await Lab.run { lab in
                let magnet = try await magnets(in: lab)[0]
                let file = lab.path("some.torrent")
                let get = try await lab.magnetget(
                    [magnet.magnet, "--save-torrent", file, "-o", lab.path("new")] + options, within: 30)
                #expect(get.code == 0 && get.output == lab.path("new/file 0\n"), get.comment)
                #expect(areEqual(lab.path("new/file 0"), lab.path("seed/file 0")))

                let meta = try lab.startMagnetget(
                    ["meta", magnet.magnet, "-o", "-"] + options, in: ["sh", "-c", #"exec "$0" "$@" > '\#(file).2'"#])
                let run = try await meta.end(within: 20)
                #expect(run.code == 0, run.comment)
                #expect(areEqual(file, file + ".2"))
            }
        }

        @Test(arguments: [[], ["-o", "-", "--input", "x"], ["--jobs", "0", "x"], ["--input", "nowhere"]])
        func nonsenseIs64(arguments: [String]) async throws {
            try await Lab.run { lab in
                let run = try await lab.startProgram("magnetget", ["meta"] + arguments).end(within: 10)
                #expect(run.code == 64, run.comment)
            }
        }
    }
}
