import Bencode
import Metainfo
import Primitives
import TestSupport
import Testing

/// Whatever bytes arrive, decoding ends with a value or an error, and every value keeps the promises of its type.
@Suite struct MetainfoMutationTests {
    @Test func mutatedInfoDictionariesNeverTrap() throws {
        let seeds = [
            try InfoBuilder(name: "a", length: 40_000, pieceLength: 16_384).info(pieceHashes: hashes(3)).bytes,
            try InfoBuilder(
                name: "d", files: [(["x"], 20_000), (["y", "z"], 0), (["w"], 20_000)], pieceLength: 16_384
            )
            .info(pieceHashes: hashes(3)).bytes,
        ]
        var accepted = 0
        try mutate(seeds, count: 130_000, seed: 1) { bytes in
            guard let info = try? Info(bytes: bytes) else { return }
            accepted += 1
            try #require(info.files.reduce(0) { $0 + $1.length } == info.totalLength)
            guard info.pieceCount > 0 else { return }
            let last = info.pieceCount - 1
            let spans = info.spans(piece: last, offset: 0, length: info.length(ofPiece: last))
            try #require(spans.reduce(0) { $0 + $1.length } == info.length(ofPiece: last))
        }
        #expect(accepted > 100, "mutations must reach behind the first check")
    }

    @Test func mutatedTorrentFilesNeverTrap() throws {
        let info = try InfoBuilder(name: "a", length: 1, pieceLength: 16_384).info(pieceHashes: hashes(1))
        let node = try #require(PeerAddress("[::1]:6881"))
        let torrent = Torrent(info: info, trackers: [["http://a/b"], ["udp://c:1"]], nodes: [node])
        var accepted = 0
        try mutate([torrent.encoded()], count: 70_000, seed: 2) { bytes in
            guard let torrent = try? Torrent(bytes: bytes) else { return }
            accepted += 1
            // A round trip of what was accepted loses nothing.
            try #require(try Torrent(bytes: torrent.encoded()) == torrent)
        }
        #expect(accepted > 500, "mutations must reach behind the first check")
    }

    @Test func mutatedMagnetsNeverTrap() throws {
        let seeds = [
            "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=a+b%20c&tr=http%3A%2F%2Ft&x.pe=[::1]:80",
            "magnet:?xt.1=urn:btih:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&xt.2=urn:btmh:1220&ws=http://w&x.pe=host:1",
            "0123456789abcdef0123456789abcdef01234567",
        ].map { Array($0.utf8) }
        var accepted = 0
        try mutate(seeds, count: 50_000, seed: 3) { bytes in
            guard let magnet = try? Magnet(String(decoding: bytes, as: UTF8.self)) else { return }
            accepted += 1
            // What was left out is not in the text.
            let again = try Magnet(magnet.text)
            try #require(again.remarks.isEmpty && again.text == magnet.text)
        }
        #expect(accepted > 100, "mutations must reach behind the first check")
    }

    private func hashes(_ count: UInt64) -> [ID160] {
        (0..<count).map { ID160(high: $0, middle: 0, low: 0) }
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
