import KRPC
import Primitives
import Testing

@Suite struct MessageEncoderTests {
    let encoder = MessageEncoder(id: id("abcdefghij0123456789"), version: 0x4D4C_3031)

    @Test func queriesAreCanonical() {
        var bytes: [UInt8] = []
        encoder.ping(number: 0x6161_6262, into: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t4:aabb1:v4:ML011:y1:qe")
    }

    @Test func repliesEchoTheTransaction() {
        let packet = Array("..xyz..".utf8)
        var bytes: [UInt8] = []
        encoder.reply(
            ReplyContent(token: 0x6162_6364_6566_6768, values: [.v4(97, 120, 106, 101, port: 0x2E75)]), to: 2..<5,
            of: packet.span.bytes,
            observed: .v4(65, 65, 65, 65, port: 0x4242), into: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "d2:ip6:AAAABB1:rd2:id20:abcdefghij01234567895:token8:abcdefgh6:valuesl6:axje.uee1:t3:xyz1:v4:ML011:y1:re"
        )
    }
}
