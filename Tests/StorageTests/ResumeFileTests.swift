import Digest
import Metainfo
import NIOCore
import Primitives
import Storage
import TestSupport
import Testing

@Suite struct ResumeFileTests {
    @Test func encodingRoundTrips() throws {
        let file = ResumeFile(info: try TestTorrent(files: [("a", 10), ("b", 20)]).info)
        let decoded = try ResumeFile(bytes: file.encoded())
        #expect(decoded == file)
        #expect(decoded.info.bytes == file.info.bytes)
    }

    @Test func everyDamagedByteIsNoticed() throws {
        let bytes = ResumeFile(info: try TestTorrent(length: 10).info).encoded()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: ResumeFile.Failure.self) { try ResumeFile(bytes: damaged) }
        }
        for count in 0..<bytes.count {
            #expect(throws: ResumeFile.Failure.self) { try ResumeFile(bytes: Array(bytes.prefix(count))) }
        }
        #expect(throws: Never.self) { try ResumeFile(bytes: bytes + [0]) }
    }

    @Test func aLaterVersionIsNamed() throws {
        var bytes = ResumeFile(info: try TestTorrent(length: 10).info).encoded()
        bytes[11] = 3
        #expect(throws: ResumeFile.Failure.unknownVersion(3)) { try ResumeFile(bytes: bytes) }
    }

    @Test func theFirstVersionIsReadAndEndsWithItsHead() throws {
        let file = ResumeFile(info: try TestTorrent(length: 10).info)
        var bytes = file.encoded()
        bytes[11] = 1
        bytes = resealed(bytes)
        #expect(try ResumeFile(bytes: bytes) == file)
        #expect(throws: ResumeFile.Failure.notAResumeFile) { try ResumeFile(bytes: bytes + [0]) }
    }

    @Test func anInfohashThatIsNotThatOfTheDictionaryIsDamage() throws {
        var bytes = ResumeFile(info: try TestTorrent(length: 10).info).encoded()
        bytes[12] ^= 1
        #expect(throws: ResumeFile.Failure.damaged) { try ResumeFile(bytes: resealed(bytes)) }
    }

    @Test func namesAreBoundedAndDistinct() throws {
        let short = try TestTorrent(name: "a", length: 10).info
        #expect(ResumeFile.name(for: short) == ".a.mainline")
        let long = String(repeating: "é", count: 127)
        let names = try [10, 20].map { ResumeFile.name(for: try TestTorrent(name: long, length: $0).info) }
        #expect(names[0] != names[1])
        #expect(names.allSatisfy { ($0 + ".tmp").utf8.count <= PathSanitizer.maxComponentBytes })
    }

    @Test func mutatedMarkersNeverTrap() throws {
        let original = ResumeFile(info: try TestTorrent(files: [("a", 10), ("b", 20)]).info).encoded()
        var mutation = Mutation(generator: SeededGenerator(number: 4))
        var accepted = 0
        for round in 0..<(MutationCount.fromEnvironment ?? 50_000) {
            var bytes = original
            mutation.apply(to: &bytes)
            // Every other one with a right checksum, so that what lies behind it is reached.
            if round.isMultiple(of: 2), bytes.count > 56 { bytes = resealed(bytes) }
            if let file = try? ResumeFile(bytes: bytes) {
                accepted += 1
                try #require(try ResumeFile(bytes: file.encoded()) == file)
            }
        }
        #expect(accepted > 0)
    }

    /// The bytes with the length and checksum that they should have.
    private func resealed(_ bytes: [UInt8]) -> [UInt8] {
        var body = Array(bytes.dropLast(20))
        var length: [UInt8] = []
        length.appendBigEndian(UInt32(body.count - 36))
        body.replaceSubrange(32..<36, with: length)
        return body + SHA1.hash(body).bytes
    }
}
