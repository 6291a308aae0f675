import PeerProtocol
import Primitives
import Testing

/// Packets of local service discovery (BEP 14).
@Suite struct LocalAnnounceTests {
    private func read(_ text: String) -> LocalAnnounce? {
        let bytes = Array(text.utf8)
        return LocalAnnounce(bytes.span.bytes)
    }

    private let hex = "0123456789abcdef0123456789abcdef01234567"

    @Test func isWrittenAsTheBEPWantsIt() throws {
        let announce = LocalAnnounce(
            infoHashes: [try #require(InfoHash(hex: hex)), .zero], port: 6881, cookie: "abc")
        let text = String(decoding: announce.encoded(for: .v4), as: UTF8.self)
        #expect(
            text == "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: \(hex)\r\n"
                + "Infohash: \(InfoHash.zero.hex)\r\ncookie: abc\r\n\r\n\r\n")
        #expect(read(text) == announce)
        let v6 = String(decoding: announce.encoded(for: .v6), as: UTF8.self)
        #expect(v6.contains("Host: [ff15::efc0:988f]:6771\r\n"))
    }

    @Test func readsWhatOthersWrite() throws {
        let infoHash = try #require(InfoHash(hex: hex))
        let announce = read("bt-search * HTTP/1.1\nHOST:x\nX-New: 1\nport:  51413\ninfohash: \(hex.uppercased())\n")
        #expect(announce == LocalAnnounce(infoHashes: [infoHash], port: 51413, cookie: nil))
        // What follows the empty line does not count.
        #expect(read("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: \(hex)\r\n\r\nPort: 2\r\n")?.port == 1)
        // One that is no infohash is passed over.
        let one = read("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: 12\r\nInfohash: \(hex)\r\n")
        #expect(one?.infoHashes == [infoHash])
    }

    @Test(arguments: [
        "", "\n", "M-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: HASH\r\n", "BT-SEARCH * HTTP/1.1\r\nInfohash: HASH\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: HASH\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: HASH\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: +1\r\nInfohash: HASH\r\n", "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: HASH0\r\n",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(read(text.replacing("HASH", with: hex)) == nil)
    }

    @Test func isBounded() throws {
        let many = LocalAnnounce(
            infoHashes: Array(repeating: .zero, count: 100), port: 65535,
            cookie: String(repeating: "c", count: LocalAnnounce.cookieBytesMax))
        #expect(many.infoHashes.count == LocalAnnounce.infoHashesMax)
        #expect(many.encoded(for: .v6).count <= LocalAnnounce.bytesMax)
        let head = "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n"
        let crowded = read(head + String(repeating: "Infohash: \(hex)\r\n", count: 25))
        #expect(crowded?.infoHashes.count == LocalAnnounce.infoHashesMax)
        #expect(read(head + "Infohash: \(hex)\r\ncookie: \(String(repeating: "c", count: 65))\r\n")?.cookie == nil)
        #expect(read(head + String(repeating: "Infohash: \(hex)\r\n", count: 27)) == nil)
    }

    /// Whatever comes, it is read or refused.
    @Test func mutatedPacketsDoNotTrap() throws {
        let bytes = LocalAnnounce(infoHashes: [.zero], port: 6881, cookie: "abc").encoded(for: .v4)
        var generator = SeededGenerator(number: 14)
        for _ in 0..<20_000 {
            var mutant = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<mutant.count, using: &generator)
                mutant[place] = UInt8.random(in: 0...255, using: &generator)
            }
            mutant.removeLast(Int.random(in: 0...mutant.count / 2, using: &generator))
            _ = LocalAnnounce(mutant.span.bytes)
        }
    }
}
