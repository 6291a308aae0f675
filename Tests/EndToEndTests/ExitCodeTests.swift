import Foundation
import Glibc
import Testing

/// How a download says that it cannot: the exit code, and what it names on standard error.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct ExitCodeTests {
        @Test(arguments: [
            ("magnet:?dn=name&tr=http://a", "xt"),
            ("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef0123456", "39"),
            ("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef012345678", "41"),
            ("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef0123456g", "g"),
            ("magnet:?xt=urn:btih:abcdefghijklmnopqrstuvwxyz23456!", "!"),
            ("magnet:?xt=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C", "sha1"),
            ("magnet:?xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e", "v2"),
            ("0123456789abcdef0123456789abcdef0123456", "39"),
            ("http://example.com/some.torrent", "http://example.com/some.torrent"),
            ("", "''"),
        ])
        func aBrokenSourceIsNamed(source: String, named: String) async throws {
            try await Lab.run { lab in
                let run = try await lab.magnetget([source, "--bootstrap", "\(lab.address()):6881"], within: 10)
                #expect(run.code == 64, run.comment)
                #expect(run.output.isEmpty, run.comment)
                #expect(run.errors.contains(named), run.comment)
            }
        }

        @Test(arguments: [("so=1;2", "'1;2'"), ("x.pe=nonsense", "'nonsense'"), ("xt=urn:btih:12", "'urn:btih:12'")])
        func whatIsOddInAMagnetIsLeftOutWithARemark(parameter: String, named: String) async throws {
            try await Lab.run { lab in
                let run = try await lab.magnetget([Sources.nobodyHas + "&" + parameter, "--no-dht"], within: 10)
                #expect(run.code == 64 && run.errors.contains("nobody to ask"), run.comment)
                #expect(run.errors.contains("left out") && run.errors.contains(named), run.comment)
            }
        }

        @Test func noLiveBootstrapNodeIs3() async throws {
            try await Lab.run { lab in
                let silent = try SilentSocket(lab.address(), SOCK_DGRAM)
                let run = try await lab.magnetget(
                    [
                        Sources.nobodyHas, "--bootstrap", "\(lab.address()):6881", "--bootstrap", silent.endpoint,
                        "--bootstrap-timeout", "2",
                    ], within: 12)
                #expect(run.code == 3, run.comment)
                // The default is 30 s.
                #expect((1.9...25).contains(run.seconds), run.comment)
                #expect(run.errors.contains("2 bootstrap nodes"), run.comment)
            }
        }

        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func anInfohashThatNobodyHasIs4() async throws {
            try await Lab.run { lab in
                let network = try await LibtorrentNetwork(in: lab)
                // Long enough for a second lookup, which finds what the first has announced: ourselves.
                let run = try await lab.magnetget(
                    [
                        Sources.nobodyHas, "--json", "--bootstrap", network.bootstrap, "--peers-timeout", "6", "-o",
                        lab.folder,
                    ], within: 20)
                #expect(run.code == 4, run.comment)
                #expect((5.9...50).contains(run.seconds), run.comment)
                let error = try #require(try run.event("error"), run.comment)
                #expect(error["code"]?.integer == 4)
                #expect(error["message"]?.string?.contains(Sources.nobodyHas.suffix(40)) == true, run.comment)
            }
        }

        @Test func aPeerWithoutMetadataIs5() async throws {
            try await Lab.run { lab in
                let silent = try SilentSocket(lab.address(), SOCK_STREAM)
                let run = try await lab.magnetget(
                    [Sources.nobodyHas, "--no-dht", "--network", "private", "--peer", silent.endpoint]
                        + ["--metadata-timeout", "2", "-o", lab.folder], within: 12)
                #expect(run.code == 5, run.comment)
                #expect((1.9...50).contains(run.seconds), run.comment)
            }
        }

        @Test func theWholeRunIsBoundedByTheStageReached() async throws {
            try await Lab.run { lab in
                let silent = try SilentSocket(lab.address(), SOCK_DGRAM)
                let run = try await lab.magnetget(
                    [Sources.nobodyHas, "--bootstrap", silent.endpoint, "--timeout", "1"], within: 12)
                #expect(run.code == 3, run.comment)
                #expect(run.seconds < 25, "not after the time of the stage, \(run)")
            }
        }

        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func aFileThatWeDidNotMakeIs7AndStaysAsItIs() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 1 << 20)
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(source, among: network, in: lab)
                let foreign = try lab.makeFile("download/payload.bin", byteCount: 4_321)
                let before = try #require(FileManager.default.contents(atPath: foreign))
                let run = try await lab.magnetget(
                    [seeder.magnet, "--bootstrap", network.bootstrap, "-o", lab.path("download")], within: 30)
                #expect(run.code == 7, run.comment)
                #expect(run.errors.contains("payload.bin"), run.comment)
                #expect(FileManager.default.contents(atPath: foreign) == before)
                #expect(files(below: lab.path("download")).count == 1, "\(files(below: lab.path("download")))")
            }
        }
    }
}

enum Sources {
    static let nobodyHas = "magnet:?xt=urn:btih:00112233445566778899aabbccddeeff00112233"
}
