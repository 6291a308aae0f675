import Foundation
import Testing

/// Peers of one link that find each other by multicast (BEP 14), without a DHT and without trackers.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.mayMakeNetworks, Comment(rawValue: Machine.networkReason)), .timeLimit(.minutes(20)))
    struct LocalDiscoveryTests {
        private let alone = ["--no-dht", "--no-trackers", "--json"]

        /// A torrent, its payload in `data`, and its magnet.
        private func makeTorrent(in lab: Lab) async throws -> (file: String, torrent: String, magnet: String) {
            let file = try lab.makeFile("data/file.bin", byteCount: 3_000_000)
            let torrent = lab.path("t.torrent")
            let run = try await lab.startProgram("magnetget", ["create", file, "-o", torrent, "--json"]).end(within: 20)
            return (file, torrent, try #require(try run.event("created")?["magnet"]?.string, run.comment))
        }

        @Test(arguments: [false, true]) func twoOfUsFindEachOther(isV6: Bool) async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let (file, torrent, magnet) = try await makeTorrent(in: lab)
                let bind = { ["--bind", link.address($0, isV6: isV6)] }
                let seed = try lab.startMagnetget(
                    ["seed", torrent, lab.path("data"), "-v"] + alone + bind(0), in: link.front(0))
                try await seed.wait(for: "progress")
                let get = try await lab.magnetget(
                    [magnet, "-o", lab.path("new")] + alone + bind(1), in: link.front(1), within: 30)
                #expect(get.code == 0, get.comment)
                #expect(areEqual(file, lab.path("new/file.bin")))
                let found = try await seed.wait(for: "peer_found", within: 1)
                #expect(found["source"]?.string == "lsd")
                #expect(found["peer"]?.string?.contains(link.address(1, isV6: isV6)) == true)
            }
        }

        @Test func withoutABindEachInterfaceIsUsed() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let (file, torrent, magnet) = try await makeTorrent(in: lab)
                let seed = try lab.startProgram(
                    "magnetget", ["seed", torrent, lab.path("data")] + alone, in: link.front(0))
                try await seed.wait(for: "progress")
                let get = try await lab.startProgram(
                    "magnetget", [magnet, "-o", lab.path("new")] + alone, in: link.front(1)
                ).end(within: 30)
                #expect(get.code == 0, get.comment)
                #expect(areEqual(file, lab.path("new/file.bin")))
            }
        }

        @Test func whoDoesWithoutItFindsNobody() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let (_, torrent, magnet) = try await makeTorrent(in: lab)
                let seed = try lab.startMagnetget(
                    ["seed", torrent, lab.path("data"), "--no-lsd", "--bind", link.address(0)] + alone,
                    in: link.front(0))
                try await seed.wait(for: "progress")
                let get = try await lab.magnetget(
                    [magnet, "-o", lab.path("new"), "--peers-timeout", "3", "--bind", link.address(1)] + alone,
                    in: link.front(1))
                #expect(get.code == 4, get.comment)
                // There is nobody left to ask.
                let nobody = try await lab.magnetget(
                    [magnet, "-o", lab.path("new"), "--no-lsd", "--bind", link.address(1)] + alone, in: link.front(1))
                #expect(nobody.code == 64, nobody.comment)
            }
        }

        // MARK: libtorrent

        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func libtorrentIsFoundAndFetchedFrom() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let (file, torrent, magnet) = try await makeTorrent(in: lab)
                let seeder = try lab.startRig(
                    "seeder",
                    ["--torrent", torrent, "--save-path", lab.path("data"), "--address", link.address(0), "--lsd"],
                    in: link.front(0))
                _ = try await seeder.wait(for: "ready")
                let get = try await lab.magnetget(
                    [magnet, "-o", lab.path("new"), "--bind", link.address(1)] + alone, in: link.front(1), within: 60)
                #expect(get.code == 0, get.comment)
                #expect(areEqual(file, lab.path("new/file.bin")))
            }
        }

        @Test(.enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)))
        func libtorrentFindsUsAndFetches() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let (file, torrent, magnet) = try await makeTorrent(in: lab)
                let downloader = try lab.startRig(
                    "downloader",
                    [magnet, "--output", try lab.makeFolder("theirs"), "--address", link.address(1), "--lsd"],
                    in: link.front(1))
                let seed = try lab.startMagnetget(
                    ["seed", torrent, lab.path("data"), "--bind", link.address(0)] + alone, in: link.front(0))
                try await seed.wait(for: "progress")
                _ = try await downloader.wait(for: "completed", within: 60)
                #expect(areEqual(file, lab.path("theirs/file.bin")))
            }
        }
    }
}
