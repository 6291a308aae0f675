import Bencode
import Testing

@Suite struct BencodeWriterTests {
    @Test func writesCanonically() {
        var writer = BencodeWriter(appendingTo: Array("x".utf8))
        writer.beginDictionary()
        writer.key("a")
        writer.beginList()
        writer.integer(0)
        writer.integer(Int64.min)
        writer.integer(UInt64.max)
        writer.string([UInt8](repeating: 65, count: 10))
        writer.end()
        writer.key(Array("b".utf8))
        writer.string("")
        writer.end()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "xd1:ali0ei-9223372036854775808ei18446744073709551615e10:AAAAAAAAAAe1:b0:e")
    }
}
