import PeerProtocol
import Primitives
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Mutated input must never trap, never be consumed beyond its end and never stall a session.
///
/// `MAINLINE_MUTATIONS` sets how many inputs each run makes of each kind; a failure names the seed.
@Suite struct MutationTests {
    private static let count = getenv("MAINLINE_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 75_000

    @Test func mutatedHandshakesAreReadOrRefused() {
        let seeds = [
            encoded(theirHandshake().encode), encoded(theirHandshake(otherHash).encode) + frame(id: 1, []),
        ]
        mutate(seeds, seed: 1) { bytes, choice in
            var session = Session(role: .responder, infoHash: nil, ourPeerID: ourID, now: .origin)
            if choice.isMultiple(of: 2) { session = freshSession() }
            run(&session, bytes, cutAt: choice)
        }
    }

    @Test func mutatedStreamsAreReadOrRefused() {
        let small = BlockRequest(piece: 1, offset: 0, length: 20)
        let messages: [OutgoingMessage] = [
            .bitfield(Bitfield(filled: 10)), .unchoke, .have(3), .request(block(1)), .port(9), .keepAlive, .choke,
        ]
        let stream = messages.reduce(into: pieceMessage(small)) { $1.encode(into: &$0) }
        let extended = encoded { MetadataMessage.encodeRequest(piece: 1, id: 1, into: &$0) } + frame(id: 17, [1, 2, 3])
        let open = openFeeder().session
        mutate([stream, stream + extended, extended + pieceMessage(small) + stream], seed: 2) { bytes, choice in
            var session = open
            session.requested(small, now: .origin)
            if choice.isMultiple(of: 2) { session.torrentKnown(layout) }
            run(&session, bytes, cutAt: choice)
        }
    }

    @Test func mutatedExtensionHandshakesAreReadOrRefused() {
        let seeds = [
            "d1:md11:ut_metadatai3e6:ut_pexi1ee13:metadata_sizei31235e1:pi6881e4:reqqi500e1:v5:a 1.26:yourip4:abcde",
            "d1:md11:ut_metadatai3e1:xld1:ai-5eeee6:yourip16:0123456789abcdefe",
        ]
        mutate(seeds.map { Array($0.utf8) }, seed: 3) { bytes, _ in
            guard let handshake = try? ExtensionHandshake(bytes.span.bytes, in: 0..<bytes.count) else { return }
            #expect(handshake.metadataSize ?? 1 > 0)
            var known = ExtensionHandshake()
            known.update(with: handshake)
            #expect(known.metadataID != 0)
            let written = encoded(handshake.encode)
            // Repaired text may grow beyond what is kept of it.
            var again = try? ExtensionHandshake(written.span.bytes, in: 6..<written.count)
            again?.clientVersion = handshake.clientVersion
            #expect(again == handshake)
        }
    }

    @Test func mutatedMetadataMessagesAreReadOrRefused() {
        let seeds = ["d8:msg_typei0e5:piecei0ee", "d8:msg_typei1e5:piecei1e10:total_sizei34256eexxxxxxxx"]
        mutate(seeds.map { Array($0.utf8) }, seed: 4) { bytes, _ in
            switch try? MetadataMessage(bytes.span.bytes, in: 0..<bytes.count) {
            case .data(let piece, _, let payload):
                #expect(piece >= 0 && payload.lowerBound > 0 && payload.upperBound == bytes.count)
            case .request(let piece), .reject(let piece): #expect(piece >= 0)
            case .unknown, nil: break
            }
        }
    }

    /// Feeds `bytes` in two parts, cut where `choice` says; the feeder of the other tests is too slow for so many.
    private func run(_ session: inout Session, _ bytes: [UInt8], cutAt choice: UInt64) {
        let cut = Int(choice >> 8) % (bytes.count + 1)
        var offset = 0
        for end in [cut, bytes.count] {
            let part = bytes.span.extracting(0..<end).bytes
            var steps = 0
            loop: while true {
                steps += 1
                // Every step but the last consumes a byte or more.
                guard steps <= bytes.count + 1 else {
                    Issue.record("no progress on \(bytes)")
                    return
                }
                let consumed: Int
                switch session.received(part, at: offset, now: .origin) {
                case .needsMore: break loop
                case .fault: return
                case .handshake(let count, let handshake):
                    consumed = count
                    session.accept(handshake.infoHash)
                case .message(let count, .bitfield(let range)), .message(let count, .extended(_, let range)):
                    guard range.upperBound == offset + count else {
                        Issue.record("a range beyond \(bytes)")
                        return
                    }
                    consumed = count
                case .message(let count, _), .skipped(let count): consumed = count
                case .payload(let count, let block, let blockOffset, let range, _, _):
                    let isWithin = range.upperBound == offset + count && blockOffset + range.count <= block.length
                    guard isWithin else {
                        Issue.record("payload beyond its block in \(bytes)")
                        return
                    }
                    consumed = count
                }
                offset += consumed
                guard consumed > 0, offset <= end else {
                    Issue.record("consumed \(consumed) in \(bytes)")
                    return
                }
            }
        }
    }

    /// Runs `body` on `count` inputs, each a seed with one to three changes, and a random number for its own choices.
    private func mutate(_ seeds: [[UInt8]], seed: UInt64, body: ([UInt8], _ choice: UInt64) -> Void) {
        var generator = SeededGenerator(number: seed)
        for _ in 0..<MutationTests.count {
            let choice = generator.next()
            var bytes = seeds[Int(choice >> 40) % seeds.count]
            for _ in 0...((choice >> 32) % 3) { change(&bytes, generator.next()) }
            body(bytes, choice)
        }
    }

    /// One change, wholly decided by `choice`: its parts say what is changed, where and to what.
    private func change(_ bytes: inout [UInt8], _ choice: UInt64) {
        guard !bytes.isEmpty else {
            bytes.append(UInt8(truncatingIfNeeded: choice))
            return
        }
        let place = Int(choice >> 32) % bytes.count
        let value = UInt8(truncatingIfNeeded: choice >> 8)
        switch choice % 6 {
        case 0: bytes[place] ^= 1 << (value % 8)
        case 1: bytes[place] = value
        case 2: bytes[place] = [0, 1, 0x7f, 0xff, UInt8(ascii: "e"), UInt8(ascii: "9")][Int(value % 6)]
        case 3: bytes.insert(value, at: place)
        case 4: bytes.remove(at: place)
        default: bytes.removeLast(place / 2)
        }
    }
}
