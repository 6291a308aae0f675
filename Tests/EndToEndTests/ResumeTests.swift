import Glibc
import Testing

/// Downloads that do not finish, and the runs that go on from what is on disk.
extension EndToEnd {
    @Suite(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)), .timeLimit(.minutes(20)))
    struct ResumeTests {
        private static let size = 16 << 20

        @Test func aSeederGoneHalfWayIs6AndTheNextRunFetchesTheRest() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: Self.size)
                let network = try await LibtorrentNetwork(in: lab)
                let leaver = try await LibtorrentSeeder(
                    source, among: network, in: lab, ["--quit-after", "0.5", "--upload-limit", "4000000"])
                let arguments = [leaver.magnet, "--json", "--bootstrap", network.bootstrap, "-o", lab.path("download")]
                let first = try await lab.magnetget(arguments + ["--stall-timeout", "3"], within: 40)
                #expect(first.code == 6, first.comment)
                let kept = try keptBytes(first)
                #expect(kept > 0 && kept < Self.size, first.comment)
                let left = try #require(try await leaver.rig.end(within: 5).event("stopped"))
                #expect(left["reason"]?.string == "quota")

                try await expectTheRestIsFetched(lab, network, source, leaver, arguments, kept: kept)
            }
        }

        @Test func anInterruptedDownloadGoesOn() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: Self.size)
                let network = try await LibtorrentNetwork(in: lab)
                let slow = try await LibtorrentSeeder(source, among: network, in: lab, ["--upload-limit", "3000000"])
                let arguments = [slow.magnet, "--json", "--bootstrap", network.bootstrap, "-o", lab.path("download")]
                let download = try lab.startMagnetget(arguments)
                try await download.wait(for: "a quarter to be there", within: 30) {
                    try download.events().contains { $0["done_bytes"]?.integer ?? 0 > Self.size / 4 } ? true : nil
                }
                download.send(SIGINT)
                let first = try await download.end(within: 5)
                #expect(first.code == 130, first.comment)
                #expect(first.errors.contains("run the same command again"), first.comment)
                #expect(try first.event("completed") == nil)
                let kept = try keptBytes(first)
                slow.rig.kill()

                try await expectTheRestIsFetched(lab, network, source, slow, arguments, kept: kept)
            }
        }

        /// What the last event of progress before the end said to be verified: at least so much is on disk.
        private func keptBytes(_ run: Ending) throws -> Int {
            try run.events().last { $0.event == "progress" }?["done_bytes"]?.integer ?? 0
        }

        private func expectTheRestIsFetched(
            _ lab: Lab, _ network: LibtorrentNetwork, _ source: String, _ gone: LibtorrentSeeder, _ arguments: [String],
            kept: Int
        ) async throws {
            let seeder = try await LibtorrentSeeder(source, among: network, replacing: gone, in: lab)
            let second = try await lab.magnetget(arguments, within: 40)
            #expect(second.code == 0, second.comment)
            #expect(areEqual(source, lab.path("download/payload.bin")))
            let downloaded = try second.event("completed")?["downloaded_bytes"]?.integer ?? .max
            #expect(downloaded <= Self.size - kept, "kept \(kept), \(second)")
            // The other side's count says the same; a piece or two may be asked for twice at the end.
            let uploaded = try await seeder.uploadedBytes()
            #expect(uploaded <= Self.size - kept + (1 << 20), "kept \(kept), uploaded \(uploaded)")
        }
    }
}
