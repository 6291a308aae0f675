import Primitives
import TestSupport
import Testing
import TrackerProtocol

/// Whatever bytes trackers and torrents hold, reading ends with a value or an error that keeps its promises.
@Suite struct TrackerMutationTests {
    @Test func mutatedURLsNeverTrap() throws {
        let seeds = [
            "http://user:pass@example.org:8080/a/announce?x=%20&y", "udp://[2001:db8::1]:6969/announce",
            "https://1.2.3.4/announce.php#x", "udp://tracker.example.org:1337",
        ].map { Array($0.utf8) }
        var accepted = 0
        try mutate(seeds, count: 40_000, seed: 1) { bytes in
            guard let url = try? TrackerURL(String(decoding: bytes, as: UTF8.self)) else { return }
            accepted += 1
            try #require(try TrackerURL(url.text) == url)
            try #require(url.port != 0 && !url.host.isEmpty && !"\(url)".contains("@"))
            _ = HTTPTracker.scrapeURL(url, [torrentHash])
        }
        #expect(accepted > 100, "mutations must reach behind the first check")
    }

    @Test func mutatedHTTPRepliesNeverTrap() throws {
        let seeds = [
            Array("d8:completei3e11:external ip4:abcd10:incompletei4e8:intervali900e12:min intervali60e5:peers12:".utf8)
                + compact(peers(2)) + Array("6:peers618:".utf8) + compact(peers(1, family: .v6))
                + Array("10:tracker id3:abc15:warning message2:hme".utf8),
            Array("d8:intervali1800e5:peersld2:ip7:1.2.3.44:porti5eed2:ip3:::14:porti6eeee".utf8),
            Array("d14:failure reason4:nope8:retry in1:5e".utf8),
        ]
        var accepted = 0
        try mutate(seeds, count: 60_000, seed: 2) { bytes in
            _ = try? ScrapeReply(http: bytes.span.bytes, of: [torrentHash])
            guard let reply = try? AnnounceReply(http: bytes.span.bytes) else { return }
            accepted += 1
            try #require(reply.peers.allSatisfy { $0.port != 0 } && reply.peers.count <= TrackerLimits.peers)
            try #require(reply.interval.map { $0 > .zero } ?? true)
            try #require((reply.warning?.utf8.count ?? 0) <= TrackerLimits.textBytes)
        }
        #expect(accepted > 100, "mutations must reach behind the first check")
    }

    @Test func mutatedScrapesNeverTrap() throws {
        let seed = Array("d5:filesd20:xxxxxxxxxxxxxxxxxxxxd8:completei11e10:downloadedi13772e10:incompletei19eeee".utf8)
        let asked = InfoHash(Array(repeating: UInt8(ascii: "x"), count: 20)) ?? .zero
        var accepted = 0
        try mutate([seed], count: 30_000, seed: 3) { bytes in
            guard let reply = try? ScrapeReply(http: bytes.span.bytes, of: [asked]) else { return }
            accepted += 1
            try #require(reply.files.allSatisfy { $0.counts.seeders >= 0 && $0.counts.completed >= 0 })
        }
        #expect(accepted > 500, "mutations must reach behind the first check")
    }

    @Test func mutatedPacketsNeverTrap() throws {
        var reply = AnnounceReply()
        reply.peers = peers(3)
        let url = Array("/announce?key=value".utf8)
        let requests: [UDPTrackerRequest] = [
            .connect, .announce(connection: 1, announceRequest(), urlData: url), .scrape(connection: 1, [torrentHash]),
        ]
        let bodies: [UDPTrackerReply.Body] = [
            .connect(1), .announce(reply), .scrape([SwarmCounts(seeders: 1, completed: 2, leechers: 3)]), .error("no"),
        ]
        let seeds =
            requests.map { $0.encoded(transaction: 1) }
            + bodies.map { UDPTrackerReply(transaction: 1, body: $0).encoded() }
        var accepted = 0
        try mutate(seeds, count: 60_000, seed: 4) { bytes in
            if let (transaction, request) = UDPTrackerRequest.decode(bytes.span.bytes) {
                accepted += 1
                let again = request.encoded(transaction: transaction)
                try #require(UDPTrackerRequest.decode(again.span.bytes)?.request == request)
            }
            for family in [Endpoint.Family.v4, .v6] {
                guard let reply = UDPTrackerReply(bytes.span.bytes, family: family) else { continue }
                accepted += 1
                try #require(UDPTrackerReply.transaction(of: bytes.span.bytes) == reply.transaction)
            }
        }
        #expect(accepted > 100, "mutations must reach behind the first check")
    }

    /// A schedule whose trackers do anything at any time keeps its promises.
    @Test func randomTrackersNeverBreakASchedule() throws {
        var regular = 0
        for seed in 0..<UInt64(100) {
            var generator = SeededGenerator(number: seed)
            let order = [TrackerOrder.strict, .everyTier, .everyTracker][Int(seed % 3)]
            var world = ScheduleWorld(["aBc", "D", "e"], order, families: [.v4, .v6], seed: seed) {
                $0.announcesMax = 1 + Int(seed % 5)
            }
            let names = ["a", "b4", "b6", "c", "d4", "d6", "e"]
            world.started()
            var said: [String] = []
            for _ in 0..<300 {
                let name = names[Int.random(in: 0..<names.count, using: &generator)]
                switch Int.random(in: 0..<20, using: &generator) {
                case 0..<8: world.answer(name) { $0.interval = .seconds(Int64(generator.next() % 4000)) }
                case 8..<12: world.fail(name)
                case 12: world.fail(name, .noAddress)
                case 13: world.fail(name, .refused("", retry: .after(.seconds(Int64(generator.next() % 4000)))))
                case 14 where generator.next() % 8 == 0: world.fail(name, .refused("", retry: .never))
                case 15: world.starved()
                case 16 where generator.next() % 8 == 0: world.completed()
                default: world.sleep()
                }
                said += world.said()
                let inTime = world.open.count - world.schedule.slowCount
                try #require(inTime <= world.schedule.configuration.announcesMax + 1)
            }
            world.stopped()
            said += world.said()
            world.sleep()
            try #require(world.schedule.isFinished && world.events.count { $0 == .stopped } == 1)
            for name in names { try #require(said.count { $0 == "\(name):stopped" } <= 1) }
            try #require(world.violations == [])
            regular += said.count { $0.hasSuffix(":none") }
        }
        #expect(regular > 1_000, "trackers must have been asked again")
    }

    private func mutate(_ seeds: [[UInt8]], count: Int, seed: UInt64, _ body: ([UInt8]) throws -> Void) throws {
        var mutation = Mutation(generator: SeededGenerator(number: seed))
        for index in 0..<(MutationCount.fromEnvironment ?? count) {
            var bytes = seeds[index % seeds.count]
            mutation.apply(to: &bytes)
            try body(bytes)
        }
    }
}
