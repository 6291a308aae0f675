import Client
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Incoming connections before their handshake, under floods, with honest callers beside.
@Suite struct LobbyTests {
    enum Crowd: CaseIterable {
        case oneAddress, oneNetwork, ofIPv6, manyNetworks

        func endpoint(_ number: Int) -> Endpoint {
            switch self {
            case .oneAddress: .v4(20, 0, 0, 1, port: UInt16(1_000 + number % 60_000))
            case .oneNetwork: .v4(20, 0, 0, UInt8(number & 255), port: UInt16(1_000 + number % 60_000))
            case .ofIPv6: .v6(EndpointV6(high: 0x2A00_0001_0002_0003, low: UInt64(number), port: 6881))
            case .manyNetworks: .v4(20, UInt8(number >> 8 & 255), UInt8(number & 255), 1, port: 6881)
            }
        }
    }

    /// A door, and those that come to it.
    private struct Door {
        var client: Client
        var now = Instant.origin
        var closed: Set<PeerHandle> = []
        var connected: [Endpoint] = []
        var answers: [PeerHandle: [UInt8]] = [:]
        let infoHash: InfoHash

        init(_ mode: NetworkMode = .public) throws {
            var configuration = Client.Configuration()
            configuration.node.networkMode = mode
            client = Client(
                configuration: configuration, homes: [HomeSetup(local: .v4(99, 0, 0, 1, port: 6881))],
                generator: SeededGenerator(number: 1), now: now)
            let payload = try Payload(byteCount: 100_000)
            infoHash = payload.info.infoHash
            var options = Client.TorrentOptions()
            options.usesDHT = false
            tell { $0.command(.add(torrent, .info(payload.info), options), now: $2, into: &$1) }
            tell { $0.storageOpened(torrent, have: payload.disk.have, now: $2, into: &$1) }
        }

        mutating func tell(_ fact: (inout Client, inout Client.Outbox, Instant) -> Void) {
            var outbox = Client.Outbox()
            fact(&client, &outbox, now)
            for action in outbox.swarm.actions {
                switch action {
                case .close(let handle): closed.insert(handle)
                case .sendOpening(let handle, let range):
                    answers[handle, default: []] += outbox.swarm.bytes[range]
                default: break
                }
            }
            for case .torrent(_, .peerConnected(let endpoint)) in outbox.events { connected.append(endpoint) }
        }

        mutating func accept(from endpoint: Endpoint) -> PeerHandle {
            var handle = PeerHandle(rawValue: 0)
            tell { handle = $0.accepted(from: endpoint, now: $2, into: &$1) }
            return handle
        }

        mutating func say(_ bytes: [UInt8], _ peer: PeerHandle) {
            var rest = bytes[...]
            while !rest.isEmpty, !closed.contains(peer) {
                var consumed = 0
                let chunk = Array(rest)
                let isOpening = client.isOpening(peer)
                tell {
                    consumed =
                        isOpening
                        ? $0.openingReceived(chunk.span.bytes, from: peer, now: $2, into: &$1)
                        : $0.received(chunk.span.bytes, from: peer, now: $2, into: &$1)
                }
                rest = rest.dropFirst(consumed)
                if consumed == 0, client.isOpening(peer) == isOpening { break }
            }
        }

        mutating func pass(_ duration: Duration) {
            let end = now + duration
            while let deadline = client.nextDeadline, deadline <= end {
                now = max(now, deadline)
                tell { $0.timedOut(now: $2, into: &$1) }
            }
            now = end
        }

        mutating func handshake(_ number: Int) -> [UInt8] {
            var generator = SeededGenerator(number: UInt64(number))
            var bytes: [UInt8] = []
            Handshake(
                capabilities: [.extensionProtocol, .fast], infoHash: infoHash,
                peerID: PeerID(prefix: "-TT0000-", using: &generator)
            ).encode(into: &bytes)
            return bytes
        }
    }

    /// Silent connections are there before, and come at this rate; the honest callers take 300 ms for their handshake.
    @Test(arguments: Crowd.allCases, [41, 123])
    func silentCallersDoNotKeepOthersOut(crowd: Crowd, perSecond: Int) throws {
        var door = try Door()
        var number = 0
        func flood(_ duration: Duration) {
            for _ in 0..<Int(duration.inSeconds * Double(perSecond)) {
                _ = door.accept(from: crowd.endpoint(number))
                number += 1
                door.pass(.nanoseconds(1_000_000_000 / Int64(perSecond)))
            }
        }
        flood(.seconds(10))
        for caller in 0..<3 {
            let endpoint = Endpoint.v4(88, UInt8(caller), 0, 1, port: 5_000)
            let handle = door.accept(from: endpoint)
            flood(.milliseconds(300))
            #expect(!door.closed.contains(handle))
            door.say(door.handshake(caller), handle)
            #expect(door.connected.contains(endpoint))
            flood(.seconds(3))
        }
        #expect(door.client.statistics.pendingConnections <= Client.Configuration().lobbyMax)
        if perSecond > 41 { #expect(door.client.statistics.pendingDisplaced > 0) }
        door.pass(.seconds(11))
        #expect(door.client.statistics.pendingConnections == 0)
    }

    @Test func halfAHandshakeHoldsAPlaceNoLonger() throws {
        var door = try Door()
        let bytes = Array(door.handshake(1).prefix(40))
        let peers = (0..<50).map { door.accept(from: Crowd.manyNetworks.endpoint($0)) }
        for peer in peers { door.say(bytes, peer) }
        door.pass(.seconds(9))
        for peer in peers { door.say([0], peer) }
        door.pass(.seconds(1))
        #expect(door.closed.isSuperset(of: peers))
    }

    /// Each sends a key, which costs two exponentiations to answer.
    @Test(arguments: Crowd.allCases)
    func keyExchangesAreBoundedAndOthersHaveTheirShare(crowd: Crowd) throws {
        var door = try Door()
        var generator = SeededGenerator(number: 3)
        let key = [1] + generator.bytes(count: 95)
        var answered = 0
        for number in 0..<3_000 {
            let peer = door.accept(from: crowd.endpoint(number))
            door.say(key, peer)
            if door.answers[peer] != nil { answered += 1 }
            door.pass(.milliseconds(2))
        }
        let most = [Crowd.oneAddress: 20 + 30, .oneNetwork: 100 + 300, .ofIPv6: 100 + 300, .manyNetworks: 400 + 1_200]
        #expect(answered > 0 && answered <= most[crowd] ?? 0)
        #expect(door.client.statistics.keyExchangesRefused == 3_000 - answered)
        guard crowd != .manyNetworks else { return }
        let honest = door.accept(from: .v4(88, 0, 0, 1, port: 5_000))
        door.say(key, honest)
        #expect(door.answers[honest] != nil)
    }
}
