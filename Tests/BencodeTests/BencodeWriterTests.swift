import Bencode
import Primitives
import Testing

@Suite struct BencodeWriterTests {
    @Test func writesEveryKindAfterWhatIsThere() {
        var writer = BencodeWriter(appendingTo: Array("x".utf8))
        writer.beginDictionary()
        writer.key("a")
        writer.beginList()
        writer.integer(0)
        writer.integer(Int64.min)
        writer.integer(UInt64.max)
        writer.string([UInt8](repeating: 65, count: 10))
        writer.string(Array("span".utf8).span.bytes)
        writer.end()
        writer.key(Array("b".utf8))
        writer.string("")
        writer.key("c")
        writer.raw(Array("de".utf8).span.bytes)
        writer.key("d")
        writer.string(byteCount: 2) { $0.storeBytes(of: 0x4242, toByteOffset: $1, as: UInt16.self) }
        writer.end()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "xd1:ali0ei-9223372036854775808ei18446744073709551615e10:AAAAAAAAAA4:spane1:b0:1:cde1:d2:BBe")
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 999, 1_000_000_000, Int64.max, -1, -10, Int64.min])
    func integersHaveTheirShortestForm(value: Int64) {
        var writer = BencodeWriter()
        writer.integer(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "i\(value)e")
    }

    @Test func bytesAreTakenOverAndGivenBack() {
        var bytes = Array("x".utf8)
        var writer = BencodeWriter(moving: &bytes)
        #expect(bytes.isEmpty)
        writer.integer(1)
        writer.move(to: &bytes)
        #expect(bytes == Array("xi1e".utf8))
        #expect(writer.bytes.isEmpty)
    }
}

#if DEBUG
    /// Apart from the others: a process that is being started holds their locks on files for a moment.
    @Suite struct WriterExitTests {
        @Test func keysOutOfOrderTrapInDebugBuilds() async {
            await #expect(processExitsWith: .failure) {
                var writer = BencodeWriter()
                writer.beginDictionary()
                writer.key("b")
                writer.integer(1)
                writer.key("a")
            }
            await #expect(processExitsWith: .failure) {
                var writer = BencodeWriter()
                writer.beginDictionary()
                writer.key("b")
                writer.integer(1)
                writer.key("b")
            }
        }
    }
#endif
