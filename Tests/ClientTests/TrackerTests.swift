import Client
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing
import TrackerProtocol

private let torrent = TorrentHandle(rawValue: 7)

/// Trackers of a torrent: what the client asks of the world for them, and what it makes of the answers.
@Suite struct TrackerTests {
    @Test func anHTTPTrackerNamesAPeer() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9:80/announce"]])
        let (id, url) = try #require(bench.fetches.first)
        #expect(
            url.hasPrefix("http://127.0.0.9:80/announce?info_hash=")
                || url.hasPrefix("http://127.0.0.9/announce?info_hash="))
        #expect(url.contains("&event=started"))
        #expect(url.contains("&left=16384"))
        bench.answer(id, "d8:intervali1800e5:peers6:\u{7f}\u{0}\u{0}\u{5}\u{1a}\u{41}e")
        #expect(bench.connects == [.v4(127, 0, 0, 5, port: 0x1a41)])
        #expect(bench.reports == [.answered("http://127.0.0.9/announce", peers: 1, seeders: nil, leechers: nil)])
    }

    @Test func aFailingTrackerIsReportedAndAskedAgainLater() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"]])
        let (id, _) = try #require(bench.fetches.first)
        bench.answer(id, "d14:failure reason9:not here.e")
        #expect(bench.reports == [.failed("http://127.0.0.9/announce", "refused: not here.")])
        #expect(bench.connects.isEmpty)
        bench.pass(.seconds(120))
        #expect(bench.fetches.count == 2)
    }

    @Test func aUDPTrackerIsConnectedToAndAsked() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["udp://127.0.0.9:6969/announce"]])
        let tracker = Endpoint.v4(127, 0, 0, 9, port: 6969)
        let connect = try #require(bench.datagrams.first)
        #expect(connect.to == tracker)
        let (transaction, request) = try #require(connect.request)
        #expect(request == .connect)
        // From elsewhere, the right answer is none.
        let answer = UDPTrackerReply(transaction: transaction, body: .connect(77)).encoded()
        let isBelieved = bench.receive(answer, from: .v4(127, 0, 0, 10, port: 6969))
        #expect(!isBelieved)
        let isTaken = bench.receive(answer, from: tracker)
        #expect(isTaken)
        let (second, announce) = try #require(bench.datagrams[1].request)
        guard case .announce(77, let said, _) = announce else {
            Issue.record("no announce but \(announce)")
            return
        }
        #expect(said.infoHash == payload.info.infoHash)
        var reply = AnnounceReply()
        reply.interval = .seconds(900)
        reply.peers = [.v4(127, 0, 0, 5, port: 6881), .v4(127, 0, 0, 6, port: 6881)]
        _ = bench.receive(UDPTrackerReply(transaction: second, body: .announce(reply)).encoded(), from: tracker)
        #expect(bench.connects == reply.peers)
    }

    @Test func aNameIsResolvedFirst() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["udp://tracker.example:6969"]])
        #expect(bench.datagrams.isEmpty)
        let (id, host) = try #require(bench.resolves.first)
        #expect(host == "tracker.example")
        bench.tell { $0.resolved(id, .success([.v4(127, 0, 0, 9, port: 6969)]), now: $2, into: &$1) }
        #expect(bench.datagrams.map(\.to) == [.v4(127, 0, 0, 9, port: 6969)])
    }

    @Test func whatIsNoTrackerURLIsReported() throws {
        let payload = try Payload(byteCount: 200_000)
        let bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"], ["wss://tracker.example"]])
        #expect(bench.fetches.count == 1)
        let rejected = bench.reports.filter { report in
            if case .failed("number 2 of the list", _) = report { true } else { false }
        }
        #expect(rejected.count == 1)
    }

    @Test func publicNetworksAskNoTrackerOfOurOwnNetwork() throws {
        let payload = try Payload(byteCount: 200_000)
        let bench = try Bench(payload, trackers: [["udp://10.0.0.1:80/announce"]], mode: .public)
        #expect(bench.datagrams.isEmpty)
        #expect(bench.reports.count == 1)
    }

    @Test func aRemovedTorrentSaysGoodbyeToWhoeverKnewIt() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"], ["http://127.0.0.8/announce"]])
        bench.answer(try #require(bench.fetches.first { $0.url.contains("0.0.9") }).id, "d8:intervali1800e5:peers0:e")
        bench.tell { $0.command(.remove(torrent), now: $2, into: &$1) }
        let farewells = bench.fetches.filter { $0.url.contains("event=stopped") }
        #expect(farewells.count == 1)
        #expect(farewells[0].url.contains("127.0.0.9"))
        #expect(!bench.client.hasLeftTrackers)
        bench.answer(farewells[0].id, "de")
        #expect(bench.client.hasLeftTrackers)
    }

    @Test func aTorrentThatHasFailedSaysGoodbyeToo() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"]])
        bench.answer(bench.fetches[0].id, "d8:intervali1800e8:completei1e10:incompletei1e5:peers0:e")
        bench.tell { $0.storageFailed(torrent, now: $2, into: &$1) }
        #expect(bench.fetches.map(\.url).filter { $0.contains("event=stopped") }.count == 1)
        bench.pass(.seconds(10_000))
        #expect(bench.fetches.count == 2 && bench.client.hasLeftTrackers)
    }

    @Test func aScrapeGivesTheCountsOfItsTorrent() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"]])
        bench.answer(bench.fetches[0].id, "d8:intervali1800e5:peers0:e")
        bench.pass(.seconds(1))
        let scrape = try #require(bench.fetches.last)
        #expect(scrape.url.contains("/scrape?"))
        let ours = String(String.UnicodeScalarView(payload.info.infoHash.bytes.map { Unicode.Scalar($0) }))
        let other = String(repeating: "\u{0}", count: 20)
        bench.answer(
            scrape.id,
            "d5:filesd20:\(other)d8:completei50e10:incompletei60ee20:\(ours)d8:completei5e10:incompletei6eeee")
        #expect(bench.reports.last == .scraped("http://127.0.0.9/announce", seeders: 5, leechers: 6))
    }

    @Test func peersThatAreOnlyConnectedAreNoReasonToAskForNoMore() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"]])
        for number in 0..<120 {
            var generator = SeededGenerator(number: UInt64(number))
            var bytes: [UInt8] = []
            Handshake(
                capabilities: .fast, infoHash: payload.info.infoHash,
                peerID: PeerID(prefix: "-TT0000-", using: &generator)
            ).encode(into: &bytes)
            let said = bytes
            var peer = PeerHandle(rawValue: 0)
            let endpoint = Endpoint.v4(127, 0, 2, UInt8(number), port: 5_000)
            bench.tell { peer = $0.accepted(from: endpoint, now: $2, into: &$1) }
            bench.tell { _ = $0.openingReceived(said.span.bytes, from: peer, now: $2, into: &$1) }
            bench.tell { _ = $0.received(said.span.bytes, from: peer, now: $2, into: &$1) }
        }
        #expect(bench.client.snapshot(of: torrent)?.peersConnected == 120)
        bench.answer(bench.fetches[0].id, "d8:intervali60e5:peers0:e")
        bench.pass(.seconds(62))
        let again = try #require(bench.fetches.last { $0.url.contains("/announce") })
        #expect(bench.fetches.count > 1 && again.url.contains("numwant=200"))
    }

    @Test func aTrackerThatIsSilentAtTheEndHoldsNobodyUp() throws {
        let payload = try Payload(byteCount: 200_000)
        var bench = try Bench(payload, trackers: [["http://127.0.0.9/announce"]])
        bench.answer(bench.fetches[0].id, "d8:intervali1800e5:peers0:e")
        bench.tell { $0.command(.remove(torrent), now: $2, into: &$1) }
        bench.pass(.seconds(6))
        #expect(bench.client.hasLeftTrackers)
    }
}

/// One client with a torrent, whose wishes are written down.
private struct Bench {
    var client: Client
    private var now = Instant.origin
    private(set) var fetches: [(id: AnnounceID, url: String)] = []
    private(set) var resolves: [(id: AnnounceID, host: String)] = []
    private(set) var datagrams: [Datagram] = []
    private(set) var connects: [Endpoint] = []
    private(set) var reports: [TrackerReport] = []

    struct Datagram {
        let bytes: [UInt8]
        let to: Endpoint

        var request: (transaction: UInt32, request: UDPTrackerRequest)? {
            UDPTrackerRequest.decode(bytes.span.bytes)
        }
    }

    init(_ payload: Payload, trackers: [[String]], mode: NetworkMode = .private) throws {
        var configuration = Client.Configuration()
        configuration.node.networkMode = mode
        client = Client(
            configuration: configuration, homes: [.init(local: .v4(127, 0, 0, 1, port: 6881))],
            generator: SeededGenerator(number: 1), now: now)
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.listenPort = 6881
        options.trackers = trackers
        tell { $0.command(.add(torrent, .infoHash(payload.info.infoHash), options), now: $2, into: &$1) }
    }

    mutating func tell(_ fact: (inout Client, inout Client.Outbox, Instant) -> Void) {
        var outbox = Client.Outbox()
        fact(&client, &outbox, now)
        note(outbox)
    }

    mutating func answer(_ id: AnnounceID, _ text: String) {
        let body = text.unicodeScalars.map { UInt8($0.value) }
        tell { $0.fetched(id, .success((200, body)), now: $2, into: &$1) }
    }

    mutating func receive(_ bytes: [UInt8], from source: Endpoint) -> Bool {
        var outbox = Client.Outbox()
        let isReply = client.receivedTrackerDatagram(bytes.span.bytes, from: source, at: 0, now: now, into: &outbox)
        note(outbox)
        return isReply
    }

    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let deadline = client.nextDeadline, deadline <= end {
            now = max(now, deadline)
            tell { $0.timedOut(now: $2, into: &$1) }
        }
        now = end
    }

    private mutating func note(_ outbox: Client.Outbox) {
        for action in outbox.trackers {
            switch action {
            case .fetch(let id, let url, _): fetches.append((id, url))
            case .resolve(let id, let host, _): resolves.append((id, host))
            case .send(let bytes, let to, _): datagrams.append(Datagram(bytes: bytes, to: to))
            case .cancel: break
            }
        }
        for case .connect(_, let endpoint) in outbox.swarm.actions { connects.append(endpoint) }
        for case .tracker(_, let report) in outbox.events { reports.append(report) }
    }
}
