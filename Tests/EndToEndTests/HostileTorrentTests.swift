import Foundation
import Testing

/// Torrents whose names and paths want out of the output folder, with content that matches their hashes.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct HostileTorrentTests {
        @Test(arguments: [
            "parent", "name-parent", "single-parent", "absolute", "separator", "empty", "long", "control", "clash",
        ])
        func nothingIsWrittenOutsideTheOutputFolder(kind: String) async throws {
            try await Lab.run { lab in
                let made = try await makeTorrent(kind, in: lab)
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(
                    made["save_path"]?.string ?? "", torrent: made["torrent"]?.string, among: network, in: lab)
                let target = try lab.makeFolder("victim/inner/download")
                let before = entries(outside: target, in: lab)

                let run = try await lab.magnetget(
                    [seeder.magnet, "--json", "--bootstrap", network.bootstrap, "-o", target, "--stall-timeout", "10"],
                    within: 30)
                #expect(entries(outside: target, in: lab) == before, run.comment)
                for path in ["/tmp/evil", "/tmp/mainline-evil", "/evil"] {
                    #expect(!FileManager.default.fileExists(atPath: path), run.comment)
                }
                // Unsafe names are repaired, not refused: all content is there, whatever it is called.
                #expect(run.code == 0, run.comment)
                let wanted = made["sizes"]?.array?.compactMap(\.integer) ?? []
                #expect(sizes(below: target) == wanted.sorted(), "\(files(below: target)), \(run)")
                #expect(!files(below: target).contains { $0.unicodeScalars.contains { $0.value < 32 } }, run.comment)
                // Nor does a name reach a terminal as it is.
                #expect(!(run.output + run.errors).unicodeScalars.contains { $0 == "\u{1B}" }, run.comment)
            }
        }

        private func makeTorrent(_ kind: String, in lab: Lab) async throws -> JSON {
            let script = Machine.repository.appending(path: "Tools/Interop/hostile_torrent.py").path
            let maker = try lab.start([Machine.python ?? "", script, "--kind", kind, "-o", lab.path("hostile")])
            let run = try await maker.end(within: 20)
            return try #require(try run.event("made"), run.comment)
        }

        /// Everything in the lab that a download must leave alone; logs of running processes come and go.
        private func entries(outside target: String, in lab: Lab) -> [String] {
            let inside = target.dropFirst(lab.folder.count + 1)
            return files(below: lab.folder).filter {
                !$0.hasPrefix(inside) && ($0.contains("/") || !$0.hasSuffix(".out") && !$0.hasSuffix(".err"))
            }
        }

        /// The sizes of all files but our own marker.
        private func sizes(below folder: String) -> [Int] {
            files(below: folder).filter { $0.contains("/") || !$0.hasSuffix(".mainline") }.map { name in
                let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
                return (attributes?[.size] as? NSNumber)?.intValue ?? -1
            }.sorted()
        }
    }
}
