import PeerProtocol
import Primitives
import Testing

/// What libtorrent 2.1 sent to the two sides of ours, up to the end of its BitTorrent handshake.
///
/// Our keys follow from the seeds, so these bytes stay the right ones for as long as a handshake draws its random
/// numbers in the same order: private key, length of the pad, pad.
@Suite struct EncryptionRecordingTests {
    private static let infoHash = InfoHash(hex: "06926e2ec9b04f960b59ca7d53286c63bffd8dc2")
    private static let answer =
        "2c2e15cfa45ebd9e6dfc0259b2cefafe42d4f02d12b1a80b1f7d489eb8662f51b6f5f472c9eda4021ca96437"
        + "96367dfa8f3789e0ed6c005b9fa5927fd02f0d1d0339e3befb071ce6d06d9e9be48d8192628522195d84f013"
        + "414df9be87281bd8bca61271f4046e9913e295349954c4d96bb0eb58561f2ebb85b66ac380ba4f766968ce4e"
        + "bb20cbbbc00f5825d980f0a2a8394bd453d4e0c1835e33de8a8b1f599d0615e005e6f1a1261fe0b7bb3b9c4d"
        + "a8cfa0d634869c14af6b38239354be35ed6b89c36b82e7ae82c640ca3b54389d8d9b13ccd7cbe3ad9e7682fd"
        + "92788b863d59d60137d6cd5d6cb672f0d0c9d469f2aa07cd47290b1ae0a4388d7a04592d47"
    private static let call =
        "fb488483cf574e97f46b37e8871a37f9cbb41a9929ded1a751a0a4415c0234525d7648207454061e1d6dea20"
        + "6827568903f6ef9561fd79e75f21746e22af025e20b6e6d9be31729040df9203ad6b383a92097fb94fcf621c"
        + "1118341b7a85bd0f25d0c56d5d1753fb323b9602a605c672382690aa1ebda43793f000d4b2c6c694c14d7a1a"
        + "4d3b4cedbcf51d5e30af4f2152cef1132e61fb579f72020bcd018aace90418364c712dfbaf4d48eb4f0f87aa"
        + "31dce358376ca9d8724987940d22b4bc94baa74c7d02550d10853706b6fb5bc190cb40e180250268e2673615"
        + "777e35857b59cd8c2d791a3d426fba20c300653e817d708d4ac009ffcb9af1203fa265cf617343042832f16c"
        + "f1cbc1af1ea455fb8f5e253981bb0e85de2935a26ba0bd8f7aa10fbe3970db74cf25272a29d7fcb1901cb90e"
        + "10fd"

    @Test(arguments: [1, 10, 1_000])
    func itsAnswerIsUnderstood(partLength: Int) throws {
        let infoHash = try #require(EncryptionRecordingTests.infoHash)
        try expectItsHandshake(
            from: EncryptionEnd(calling: infoHash, .require, seed: 18), infoHash,
            after: EncryptionRecordingTests.answer, partLength)
    }

    @Test(arguments: [1, 10, 1_000])
    func itsCallIsUnderstood(partLength: Int) throws {
        let infoHash = try #require(EncryptionRecordingTests.infoHash)
        try expectItsHandshake(
            from: EncryptionEnd(answeringWith: [infoHash], .require, seed: 30), infoHash,
            after: EncryptionRecordingTests.call, partLength)
    }

    private func expectItsHandshake(
        from end: EncryptionEnd, _ infoHash: InfoHash, after recording: String, _ partLength: Int
    ) throws {
        var end = end
        var rest = try #require(Hex.decode(recording))[...]
        while !rest.isEmpty {
            end.receive(rest.prefix(partLength))
            rest = rest.dropFirst(partLength)
        }
        #expect(end.protection == .stream)
        try #require(end.plain.count == Handshake.byteCount)
        let handshake = try Handshake(end.plain.span.bytes, at: 0)
        #expect(handshake.infoHash == infoHash)
        #expect(handshake.peerID.bytes.starts(with: Array("-LT2110-".utf8)))
        #expect(handshake.capabilities.contains(.extensionProtocol))
    }
}
