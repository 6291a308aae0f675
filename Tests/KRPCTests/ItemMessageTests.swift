import KRPC
import Primitives
import Testing

/// Messages of BEP 33, 44 and 51.
@Suite struct ItemMessageTests {
    private let encoder = MessageEncoder(id: id("abcdefghij0123456789"), version: 0x4D4E_3031)
    private let target = id("mnopqrstuvwxyz123456")
    private let item = Item(
        value: Array("12:Hello World!".utf8),
        signed: Item.Signed(
            key: [UInt8](repeating: 0x6B, count: 32), salt: Array("foobar".utf8), sequence: -4,
            signature: [UInt8](repeating: 0x73, count: 64)))

    private func packet(_ write: (MessageEncoder, inout [UInt8]) -> Void) throws -> Packet {
        var bytes: [UInt8] = []
        write(encoder, &bytes)
        try expectCanonical(bytes)
        return try Packet(bytes)
    }

    @Test func getAsksForATargetAndPerhapsForSomethingNewer() throws {
        let plain = try packet { $0.get(target: target, number: 0x6161_6262, into: &$1) }
        #expect(
            plain.text(0..<plain.bytes.count) == """
                d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q3:get1:t4:aabb1:v4:MN011:y1:qe
                """)
        #expect(try plain.query().method == .get(target: target, newerThan: nil))
        let newer = try packet { $0.get(target: target, newerThan: 7, want: .n6, number: 1, into: &$1) }
        #expect(try newer.query().method == .get(target: target, newerThan: 7))
        #expect(try newer.query().want == .n6)
        #expect(try newer.query().target == target)
    }

    @Test func putCarriesAllThatMakesAnItemMutable() throws {
        let packet = try packet { $0.put(item, expectedSequence: -5, token: Array("tok".utf8), number: 1, into: &$1) }
        guard case .put(let put) = try packet.query().method else { throw WrongKind() }
        let signed = try #require(put.signed)
        #expect(packet.text(put.token) == "tok" && packet.text(put.value) == "12:Hello World!")
        #expect(put.expectedSequence == -5 && signed.sequence == -4)
        #expect(packet.text(signed.salt) == "foobar")
        #expect(Array(packet.bytes[signed.key]) == item.signed?.key)
        #expect(Array(packet.bytes[signed.signature]) == item.signed?.signature)
        #expect(try packet.query().target == nil)
    }

    @Test func putOfAnImmutableItemIsTokenAndValue() throws {
        let value = Array("d1:ali1e2:bbee".utf8)
        let packet = try packet { $0.put(Item(value: value), expectedSequence: 3, token: [1], number: 1, into: &$1) }
        guard case .put(let put) = try packet.query().method else { throw WrongKind() }
        #expect(put.signed == nil && put.expectedSequence == nil)
        #expect(Array(packet.bytes[put.value]) == value)
    }

    @Test(arguments: [
        ("1:k3:abc5:token1:x1:v0:", 203), ("3:seqi1e5:token1:x", 203), ("1:v0:", 203),
        ("1:k32:\(String(repeating: "k", count: 32))5:token1:x1:v0:", 203),
        ("5:token1:x1:v1000:\(String(repeating: "v", count: 1000))", 205),
        (
            """
            1:k32:\(String(repeating: "k", count: 32))4:salt65:\(String(repeating: "s", count: 65))3:seqi1e\
            3:sig64:\(String(repeating: "s", count: 64))5:token1:x1:v0:
            """, 207
        ),
    ])
    func putsThatAreRefused(arguments: String, code: Int) {
        let text = "d1:ad2:id20:abcdefghij0123456789\(arguments)e1:q3:put1:t2:aa1:y1:qe"
        #expect(throws: KRPCError.self) { try Packet(text) }
        do {
            _ = try Packet(text)
        } catch KRPCError.refused(_, let refusal) {
            #expect(refusal.code.rawValue == code)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func aValueOfAThousandBytesIsTaken() throws {
        let value = "996:\(String(repeating: "v", count: 996))"
        let text = "d1:ad2:id20:abcdefghij01234567895:token1:x1:v\(value)e1:q3:put1:t2:aa1:y1:qe"
        guard case .put(let put) = try Packet(text).query().method else { throw WrongKind() }
        #expect(put.value.count == 1000)
    }

    @Test func repliesCarryItemsSamplesAndFilters() throws {
        let asked = Array("aabb".utf8)
        let reply = { (extra: ReplyExtra) in
            let content = ReplyContent(nodes: [], nodes6: [], token: 5, extra: extra)
            let packet = try packet { $0.reply(content, to: 0..<4, of: asked.span.bytes, into: &$1) }
            #expect(MessageEncoder.byteCount(of: content, transactionByteCount: 4) == packet.bytes.count)
            return packet
        }
        let whole = try reply(.item(item))
        let fields = try #require(try whole.response().item)
        #expect(fields.value.map(whole.text) == "12:Hello World!" && fields.sequence == -4)
        #expect(fields.key.map(\.count) == 32 && fields.signature.map(\.count) == 64)
        let immutable = try reply(.item(Item(value: Array("i5e".utf8))))
        #expect(try immutable.response().item?.value.map(immutable.text) == "i5e")
        let sequence = try reply(.sequence(12))
        #expect(try sequence.response().item?.sequence == 12)
        #expect(try sequence.response().item?.value == nil)
        let hashes = [target, ID160(high: 1, middle: 2, low: 3)]
        let samples = try reply(.samples(hashes, interval: 60, total: 700))
        let sample = try #require(try samples.response().samples)
        #expect(sample.interval == 60 && sample.total == 700 && sample.count == 2)
        #expect(ID160(samples.bytes.span.bytes, at: sample.hashes.lowerBound + 20) == hashes[1])
        // Present even when empty (BEP 51).
        #expect(try reply(.samples([], interval: 0, total: 0)).response().samples?.count == 0)
        let (seeds, peers) = ([UInt8](repeating: 1, count: 256), [UInt8](repeating: 2, count: 256))
        let scrape = try reply(.filters(seeds: seeds, peers: peers))
        let filters = try #require(try scrape.response().filters)
        #expect(Array(scrape.bytes[filters.seeds]) == seeds && Array(scrape.bytes[filters.peers]) == peers)
    }

    @Test(arguments: [
        "8:intervali60e3:numi1e7:samples19:\(String(repeating: "h", count: 19))",
        "4:BFpe255:\(String(repeating: "b", count: 255))4:BFsd256:\(String(repeating: "b", count: 256))",
        "1:k31:\(String(repeating: "k", count: 31))1:v1001:\(String(repeating: "v", count: 1001))",
    ])
    func whatHasAWrongSizeCountsAsAbsent(results: String) throws {
        let response = try Packet("d1:rd2:id20:abcdefghij0123456789\(results)e1:t2:aa1:y1:re").response()
        #expect(response.samples == nil && response.filters == nil && response.item == nil)
    }

    @Test func intervalsAreBelievedUpToSixHours() throws {
        let results = "8:intervali99999999999e7:samples20:abcdefghij0123456789"
        let response = try Packet("d1:rd2:id20:abcdefghij0123456789\(results)e1:t2:aa1:y1:re").response()
        #expect(response.samples?.interval == 21_600 && response.samples?.total == 0)
    }

    @Test func samplesAndScrapesAreAskedFor() throws {
        let sample = try packet { $0.sampleInfoHashes(target: target, want: [.n4, .n6], number: 1, into: &$1) }
        #expect(try sample.query().method == .sampleInfoHashes(target: target))
        let scrape = try packet {
            $0.getPeers(infoHash: target, options: [.scrape, .noSeeds], number: 1, into: &$1)
        }
        #expect(try scrape.query().method == .getPeers(infoHash: target, [.scrape, .noSeeds]))
        let announce = try packet {
            $0.announcePeer(
                infoHash: target, port: 1, impliedPort: false, isSeed: true, token: [1], number: 1, into: &$1)
        }
        #expect(try announce.announcement().isSeed)
        let plain = try packet { $0.getPeers(infoHash: target, number: 1, into: &$1) }
        #expect(try plain.query().method == .getPeers(infoHash: target))
    }
}
