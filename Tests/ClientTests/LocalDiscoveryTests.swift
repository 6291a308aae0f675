import Client
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Peers that find each other on a link, without anybody else (BEP 14).
@Suite struct LocalDiscoveryTests {
    private func local(_ configuration: inout Client.Configuration) { configuration.usesLocalDiscovery = true }

    @Test func neighboursFindEachOtherAndNobodyElseIsNeeded() throws {
        let payload = try Payload(byteCount: 300_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1, configure: local)
        _ = world.run(for: .seconds(10))
        let leecher = world.addLeecher(payload, from: [], seed: 2, configure: local)
        #expect(world.run(for: .seconds(20)) { $0.events(leecher).contains(.completed) })
        let found = TorrentEvent.peersFound([world.machines[leecher].endpoint], .lsd)
        #expect(world.events(seeder).contains(found))
        #expect(world.localAnnounces.map(\.machine) == [seeder, leecher])
    }

    @Test func aTorrentIsAnnouncedEveryFiveMinutesAndEarlierOnlyForWantOfPeers() throws {
        let payload = try Payload(byteCount: 300_000)
        var world = World()
        _ = world.addSeeder(payload, seed: 1, configure: local)
        _ = world.run(for: .seconds(16 * 60))
        let times = world.localAnnounces.map { $0.at - .origin }
        #expect(times == (0...3).map { .milliseconds(200) + .seconds(300 * $0) })
        // A downloader that loses its only peer asks again, a minute after the last time at the earliest.
        var starving = World()
        let peer = starving.addSeeder(payload, seed: 1, configure: { $0.uploadLimit = 20_000 })
        _ = starving.addLeecher(payload, from: [peer], seed: 2, configure: local)
        _ = starving.run(for: .seconds(5))
        starving.switchOff(peer)
        _ = starving.run(for: .seconds(100))
        #expect(starving.localAnnounces.map { $0.at - .origin } == [.milliseconds(200), .milliseconds(60_200)])
    }

    @Test func privateTorrentsAndThoseThatDoWithoutItAreLeftOut() throws {
        // Slow enough for the first announce to come before the metadata.
        var world = World(latency: .milliseconds(200))
        let payload = try Payload(byteCount: 300_000)
        let open = world.addSeeder(payload, seed: 1)
        let closed = try Payload(byteCount: 300_000, isPrivate: true)
        _ = world.addSeeder(closed, seed: 2, configure: local)
        // A magnet turns out to be private when a peer has given its metadata.
        let magnet = world.addLeecher(closed, from: [1], seed: 3, configure: local)
        let without = world.addLeecher(payload, from: [open], seed: 4, configure: local) {
            $0.usesLocalDiscovery = false
        }
        _ = world.run(for: .seconds(600))
        #expect(world.localAnnounces.map(\.machine) == [magnet])
        #expect(world.localAnnounces.map { $0.at - .origin } == [.milliseconds(200)])
        for machine in [magnet, without] {
            #expect(world.events(machine).contains(.completed))
            #expect(found(world.events(machine)).isEmpty)
        }
    }

    @Test func whereNothingIsWantedTheNeighboursAreLeftAlone() throws {
        var world = World(latency: .milliseconds(200))
        let payload = try Payload(byteCount: 300_000)
        let seeder = world.addSeeder(payload, seed: 1)
        let selection = try FileSelection(["no such file"])
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2, configure: local) {
            $0.selection = selection
        }
        _ = world.run(for: .seconds(600))
        #expect(world.events(leecher).contains { if case .nothingSelected = $0 { true } else { false } })
        #expect(world.localAnnounces.map { $0.at - .origin } == [.milliseconds(200)])
    }

    // MARK: One client, and what it hears

    private func client(_ mode: NetworkMode = .public) -> Client {
        var configuration = Client.Configuration()
        configuration.usesLocalDiscovery = true
        configuration.node.networkMode = mode
        return Client(
            configuration: configuration, homes: [HomeSetup(local: .v4(10, 0, 0, 1, port: 6881))],
            generator: SeededGenerator(number: 1), now: .origin)
    }

    private func add(_ number: Int, to client: inout Client) -> InfoHash {
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.listenPort = 6881
        let infoHash = InfoHash(high: UInt64(number), middle: 0, low: 0)
        var outbox = Client.Outbox()
        client.command(.add(TorrentHandle(rawValue: number), .infoHash(infoHash), options), now: .origin, into: &outbox)
        return infoHash
    }

    private func hear(
        _ announce: LocalAnnounce, from source: Endpoint, at now: Instant = .origin, _ client: inout Client
    ) -> [Endpoint] {
        var outbox = Client.Outbox()
        let bytes = announce.encoded(for: .v4)
        client.receivedLocalAnnounce(bytes.span.bytes, from: source, now: now, into: &outbox)
        return found(
            outbox.events.compactMap { event in
                if case .torrent(_, let event) = event { event } else { nil }
            })
    }

    private func found(_ events: [TorrentEvent]) -> [Endpoint] {
        events.flatMap { event -> [Endpoint] in
            if case .peersFound(let endpoints, .lsd) = event { endpoints } else { [] }
        }
    }

    @Test(arguments: [
        ("192.168.1.2:6771", true), ("169.254.1.2:6771", true), ("[fd00::2]:6771", true), ("8.8.8.8:6771", false),
        ("[fe80::2]:6771", false), ("[2a00::2]:6771", false), ("127.0.0.1:6771", false),
    ])
    func onlyNeighboursAreBelieved(source: String, isHeard: Bool) throws {
        var client = client()
        let infoHash = add(1, to: &client)
        let announce = LocalAnnounce(infoHashes: [.zero, infoHash], port: 7000, cookie: nil)
        let source = try #require(Endpoint(source))
        var peer = source
        peer.port = 7000
        #expect(hear(announce, from: source, &client) == (isHeard ? [peer] : []))
        // Nobody makes us knock at the door of a service.
        let service = LocalAnnounce(infoHashes: [infoHash], port: 80, cookie: nil)
        #expect(hear(service, from: source, &client).isEmpty)
    }

    private func neighbour(_ number: Int) -> Endpoint {
        .v4(10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255), port: 6771)
    }

    @Test func oneSourceIsHeardTenTimesAMinuteAndLessOftenAfterwards() {
        var client = client()
        let infoHash = add(1, to: &client)
        let say = { (port: Int) in LocalAnnounce(infoHashes: [infoHash], port: UInt16(port), cookie: nil) }
        let heard = (0..<200).filter { !hear(say(2000 + $0), from: neighbour(2), &client).isEmpty }
        #expect(Array(heard.prefix(10)) == Array(0..<10))
        // The harmonic series: 10/11 + 10/12 + ... + 10/200 are 29.5.
        #expect((20..<60).contains(heard.count))
        #expect(client.statistics.localAnnouncesPassedOver == 200 - heard.count)
    }

    @Test func announcesOfOtherTorrentsTakeNoRoom() {
        var client = client()
        let infoHash = add(1, to: &client)
        let foreign = LocalAnnounce(infoHashes: [.zero], port: 2000, cookie: nil)
        for number in 3..<3_000 { #expect(hear(foreign, from: neighbour(number), &client).isEmpty) }
        for _ in 0..<50 { _ = hear(foreign, from: neighbour(2), &client) }
        let announce = LocalAnnounce(infoHashes: [infoHash], port: 2000, cookie: nil)
        #expect(!hear(announce, from: neighbour(2), &client).isEmpty)
    }

    @Test func amongManyForgedSourcesEachHasTheSameChance() {
        let announced = { (client: inout Client) in
            LocalAnnounce(infoHashes: [add(1, to: &client)], port: 2000, cookie: nil)
        }
        var crowded = client()
        let announce = announced(&crowded)
        let heard = (0..<2_560).filter { !hear(announce, from: neighbour($0 + 2), &crowded).isEmpty }
        // The first 256 for certain, and of each later one 256 of as many as there were: 256 * (1 + ln 10) in all.
        #expect(Array(heard.prefix(256)) == Array(0..<256))
        #expect((700...1_000).contains(heard.count))
        #expect(heard.contains { $0 > 2_400 })
    }

    @Test func manyTorrentsShareFewPackets() {
        var client = client()
        for number in 1...250 { _ = add(number, to: &client) }
        var sent: [(at: Instant, announce: LocalAnnounce)] = []
        while let now = client.nextDeadline, now < .origin + .seconds(290) {
            var outbox = Client.Outbox()
            client.timedOut(now: now, into: &outbox)
            sent += outbox.localAnnounces.map { (now, $0) }
        }
        #expect(sent.map { $0.announce.infoHashes.count } == Array(repeating: 20, count: 12) + [10])
        #expect(Set(sent.flatMap(\.announce.infoHashes)).count == 250)
        let first = sent.filter { $0.at < .origin + .seconds(60) }
        #expect(first.count == 10)
        // Our own, come back from the group.
        #expect(hear(first[0].announce, from: .v4(10, 0, 0, 1, port: 6771), &client).isEmpty)
    }
}
