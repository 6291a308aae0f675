import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

@testable import Simulator

/// What scripted peers say on the wire.
@Suite struct RudePeerTests {
    /// A rude peer, and the victim's side of one connection with it.
    private struct Pair {
        var peer: RudePeer
        let info: Info
        let handle: PeerHandle
        var outbox = RudeOutbox()
        var now = Instant.origin
        /// What the victim reads.
        var session: Session

        /// The victim calls, and both handshakes pass.
        init(_ kind: RudeKind) throws {
            let builder = InfoBuilder(name: "payload", length: 8 << 16, pieceLength: 1 << 16)
            info = try builder.info(pieceHashes: Array(repeating: .zero, count: 8))
            peer = RudePeer(
                kind: kind, target: RudePeer.Target(info), victims: [], neighbour: nil, reach: 0, from: .origin,
                generator: SeededGenerator(number: 7))
            var generator = SeededGenerator(number: 8)
            let id = PeerID(prefix: "-VI0001-", using: &generator)
            session = Session(role: .initiator, infoHash: info.infoHash, ourPeerID: id, now: .origin)
            handle = peer.accepted(from: .v4(45, 0, 0, 1, port: 6881), now: .origin)
            var bytes: [UInt8] = []
            Handshake(capabilities: [.extensionProtocol, .fast], infoHash: info.infoHash, peerID: id)
                .encode(into: &bytes)
            var extensions = ExtensionHandshake()
            extensions.metadataID = ExtensionID.metadata
            extensions.peerExchangeID = ExtensionID.peerExchange
            extensions.encode(into: &bytes)
            peer.received(bytes, from: handle, now: .origin, into: &outbox)
        }

        mutating func say(_ write: (inout [UInt8]) -> Void) {
            var bytes: [UInt8] = []
            write(&bytes)
            peer.received(bytes, from: handle, now: now, into: &outbox)
        }

        mutating func wait(_ seconds: Int) {
            for _ in 0..<2 * seconds {
                now = now + RudePeer.turnInterval
                peer.timedOut(now: now, into: &outbox)
            }
        }

        /// Messages of the peer so far, as texts; "block" for a whole piece message.
        mutating func heard() -> [String] {
            var texts: [String] = []
            for action in outbox.actions {
                switch action {
                case .send(_, let bytes): texts += read(bytes)
                case .sendBlock: texts.append("block")
                case .close: texts.append("close")
                case .connect: texts.append("connect")
                case .limitReading: texts.append("stops reading")
                }
            }
            outbox.actions = []
            return texts
        }

        private mutating func read(_ bytes: [UInt8]) -> [String] {
            var texts: [String] = []
            var offset = 0
            while offset < bytes.count {
                switch session.received(bytes.span.bytes, at: offset, now: now) {
                case .needsMore: return texts + ["part"]
                case .fault(let fault): return texts + ["\(fault)"]
                case .handshake(let consumed, _):
                    offset += consumed
                    texts.append("handshake")
                case .message(let consumed, let message):
                    offset += consumed
                    texts.append(text(message, bytes))
                case .payload(let consumed, _, _, let range, _, _):
                    offset += consumed
                    texts.append("\(range.count) bytes")
                case .skipped(let consumed): offset += consumed
                }
            }
            return texts
        }

        private func text(_ message: Message, _ bytes: [UInt8]) -> String {
            switch message {
            case .extended(0, let payload):
                let size = (try? ExtensionHandshake(bytes.span.bytes, in: payload))?.metadataSize
                return "size " + (size.map { $0 == info.bytes.count ? "right" : "wrong" } ?? "none")
            case .extended(ExtensionID.metadata, let payload):
                guard case .data = try? MetadataMessage(bytes.span.bytes, in: payload) else { return "metadata reject" }
                return "metadata " + (bytes[payload].suffix(info.bytes.count) == info.bytes[...] ? "right" : "wrong")
            case .extended(ExtensionID.peerExchange, let payload):
                let count = (try? PeerExchangeMessage(bytes.span.bytes, in: payload))?.added.count ?? 0
                return "\(count) peers"
            case .bitfield(let range): return "bitfield of \(range.count)"
            case .have(let piece): return "have \(piece)"
            case .reject: return "reject"
            case .request: return "request"
            case .cancel: return "cancel"
            default: return "\(message)"
            }
        }
    }

    private func introduction(_ kind: RudeKind) throws -> [String] {
        var pair = try Pair(kind)
        return pair.heard()
    }

    @Test func introductionsAreThoseOfTheirKind() throws {
        #expect(try introduction(.silentOfferer) == ["handshake", "haveAll", "size right"])
        #expect(try introduction(.metadataRejecter) == ["handshake", "haveAll", "size wrong"])
        #expect(try introduction(.fakeSeed) == ["handshake", "haveAll", "size right", "unchoke"])
        #expect(try introduction(.idleInterested) == ["handshake", "haveNone", "size none", "interested"])
        #expect(try introduction(.nonReader).suffix(2) == ["interested", "stops reading"])
        #expect(try introduction(.wrongBitfield) == ["handshake", "bitfield of 1", "size none"])
        #expect(try introduction(.idler) == ["handshake", "haveNone", "size none"])
        #expect(try introduction(.silentCaller) == [])
        var echo = try Pair(.echo)
        #expect(echo.heard().first == "selfConnection")
    }

    /// What follows one request for a block, at once and within some seconds.
    private func answer(_ kind: RudeKind, within seconds: Int = 0) throws -> [String] {
        var pair = try Pair(kind)
        _ = pair.heard()
        let block = BlockRequest(piece: 2, offset: 0, length: 16_384)
        pair.session.requested(block, now: pair.now)
        pair.say { OutgoingMessage.request(block).encode(into: &$0) }
        pair.wait(seconds)
        return pair.heard()
    }

    @Test func requestsAreAnsweredBadly() throws {
        #expect(try answer(.rejecter) == ["reject", "have 2"])
        #expect(try answer(.fakeSeed, within: 9) == [])
        #expect(try answer(.crumbSeed, within: 9) == ["part"])
        #expect(try answer(.chokingSeed, within: 1) == ["block", "choke", "unchoke"])
        #expect(try answer(.poisoner, within: 1) == ["block", "close"])
        #expect(try answer(.partialPoisoner, within: 1) == ["512 bytes", "close"])
        #expect(try answer(.dripper, within: 6) == ["512 bytes", "512 bytes"])
        #expect(try answer(.poisonDripper, within: 6) == ["block"])
        #expect(try answer(.unwantedGiver, within: 1) == ["block", "block"])
        #expect(try answer(.idler) == ["reject"])
    }

    /// The same for one request of metadata.
    private func metadata(_ kind: RudeKind, within seconds: Int = 0) throws -> [String] {
        var pair = try Pair(kind)
        _ = pair.heard()
        pair.say { MetadataMessage.encodeRequest(piece: 0, id: ExtensionID.metadata, into: &$0) }
        pair.wait(seconds)
        return pair.heard()
    }

    @Test func metadataIsRefusedOrWrongOrLate() throws {
        #expect(try metadata(.fakeSeed) == ["metadata right"])
        #expect(try metadata(.metadataLiar) == ["metadata wrong"])
        #expect(try metadata(.slowMetadataLiar, within: 2) == [])
        #expect(try metadata(.slowMetadataLiar, within: 3) == ["metadata wrong"])
        #expect(try metadata(.silentOfferer, within: 9) == [])
        #expect(try metadata(.metadataRejecter, within: 1) == Array(repeating: "metadata reject", count: 11))
        #expect(try metadata(.sizeChanger, within: 1) == ["size wrong", "size wrong"])
    }

    @Test func takersTakeInTheirWays() throws {
        func said(_ kind: RudeKind, unchoked: Bool, within seconds: Int) throws -> [String] {
            var pair = try Pair(kind)
            _ = pair.heard()
            if unchoked { pair.say { OutgoingMessage.unchoke.encode(into: &$0) } }
            pair.wait(seconds)
            return pair.heard()
        }
        #expect(try said(.slowTaker, unchoked: true, within: 8) == ["request", "request"])
        #expect(try said(.slowTaker, unchoked: false, within: 8) == [])
        #expect(try said(.canceller, unchoked: false, within: 1) == Array(repeating: "cancel", count: 100))
        #expect(try said(.nonReader, unchoked: false, within: 1) == Array(repeating: "request", count: 64))
        #expect(
            try said(.requestDropper, unchoked: true, within: 4) == Array(repeating: "request", count: 100) + ["close"])
        #expect(try said(.exchangeFlooder, unchoked: false, within: 30) == ["200 peers"])
        #expect(try said(.flipper, unchoked: false, within: 1).count { $0 == "haveNone" } == 8)
        #expect(try said(.idleInterested, unchoked: true, within: 60) == ["keepAlive"])
    }

    @Test func callersReturnAndTwinsLearnAnIdFirst() throws {
        let info = try InfoBuilder(name: "x", length: 16_384, pieceLength: 16_384).info(pieceHashes: [.zero])
        let (near, far) = (Endpoint.v4(45, 0, 1, 1, port: 6881), Endpoint.v4(45, 0, 2, 1, port: 6881))
        var twin = RudePeer(
            kind: .twin, target: RudePeer.Target(info), victims: [far], neighbour: near, reach: 1, from: .origin,
            generator: SeededGenerator(number: 1))
        var outbox = RudeOutbox()
        twin.timedOut(now: .origin + .seconds(1), into: &outbox)
        let first = PeerHandle(rawValue: 1)
        #expect(outbox.actions == [.connect(first, near)])
        var generator = SeededGenerator(number: 2)
        let theirs = PeerID(prefix: "-VI0001-", using: &generator)
        var bytes: [UInt8] = []
        Handshake(capabilities: .fast, infoHash: info.infoHash, peerID: theirs).encode(into: &bytes)
        outbox.actions = []
        twin.received(bytes, from: first, now: .origin + .seconds(1), into: &outbox)
        #expect(outbox.actions == [.close(first)] && twin.peerID == theirs)
        outbox.actions = []
        twin.timedOut(now: .origin + .seconds(2), into: &outbox)
        let second = PeerHandle(rawValue: 2)
        #expect(outbox.actions == [.connect(second, far)])
        outbox.actions = []
        twin.disconnected(second, now: .origin + .seconds(2))
        twin.timedOut(now: .origin + .milliseconds(2_500), into: &outbox)
        #expect(outbox.actions == [])
        twin.timedOut(now: .origin + .milliseconds(3_000), into: &outbox)
        #expect(outbox.actions == [.connect(PeerHandle(rawValue: 3), far)])
    }
}
