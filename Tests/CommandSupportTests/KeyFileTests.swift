import CommandSupport
import Foundation
import Primitives
import Testing

@Suite struct KeyFileTests {
    private static let seed = String(repeating: "0f", count: 32)

    private func withFile(_ text: String?, mode: Int = 0o600, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        if let text {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        try body(path)
    }

    @Test func aKeyIsMadeOnceAndReadFromThenOn() throws {
        try withFile(nil) { path in
            let made = try KeyFile.seed(path)
            #expect(made.isNew && made.bytes.count == 32 && Set(made.bytes).count > 1)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let read = try KeyFile.seed(path)
            #expect(!read.isNew && read.bytes == made.bytes)
        }
    }

    @Test(arguments: [seed, "\(seed)\n", "  \(seed.uppercased()) \r\n"]) func blanksAroundItDoNotMatter(text: String)
        throws
    {
        try withFile(text) { path in
            let seed = try KeyFile.seed(path)
            #expect(seed.bytes == Array(repeating: 0x0f, count: 32) && !seed.isNew)
        }
    }

    @Test(arguments: [
        "", "key", String(seed.dropLast(2)), seed + "00", "\(seed) \(seed)", String(repeating: "0", count: 4000),
    ])
    func whatIsNoKeyIsLeftAlone(text: String) throws {
        try withFile(text) { path in
            #expect(throws: KeyFile.Failure.noKey) { try KeyFile.seed(path) }
            let left = try String(contentsOfFile: path, encoding: .utf8)
            #expect(left == text)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660]) func aSecretThatOthersCanReadIsRefused(mode: Int) throws {
        try withFile(Self.seed, mode: mode) { path in
            #expect(throws: KeyFile.Failure.notPrivate) { try KeyFile.seed(path) }
        }
    }
}
