import Foundation
import Glibc
import Primitives
import Testing

@testable import Transport

/// Certificates, against a server of the openssl program.
@Suite(.enabled(if: SecureServer.isAvailable, "there is no openssl program"), .serialized)
struct HTTPSTests {
    @Test func aCertificateOfNobodyIsRefused() async throws {
        try await SecureServer.run { server, _ in
            let fetcher = HTTPFetcher()
            let error = await fetcher.errorOf(.local(server))
            await fetcher.stop()
            guard case .tls(let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("certificate"))
            #expect(!reason.contains("\n"))
        }
    }

    @Test func aCertificateThatIsTrustedIsTaken() async throws {
        try await SecureServer.run { server, certificate in
            var configuration = HTTPFetcher.Configuration()
            configuration.certificateFile = certificate
            let fetcher = HTTPFetcher(configuration: configuration)
            let response = try? await fetcher.get(.local(server))
            #expect(response?.status == 200)
            // Trusted, but for another name.
            let other = await fetcher.errorOf(.local(server.replacing("127.0.0.1", with: "localhost")))
            await fetcher.stop()
            guard case .tls = other else {
                Issue.record("\(String(describing: other))")
                return
            }
        }
    }

    @Test func theCheckCanBeSwitchedOff() async throws {
        try await SecureServer.run { server, _ in
            let fetcher = HTTPFetcher()
            var request = HTTPRequest.local(server)
            request.verifiesTLS = false
            let response = try? await fetcher.get(request)
            await fetcher.stop()
            #expect(response?.status == 200)
        }
    }
}

/// `openssl s_server` with a certificate that it has signed itself.
private enum SecureServer {
    private static let program = "/usr/bin/openssl"

    static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: program) }

    struct NotStarted: Error {}

    /// Gives `body` the server's URL and its certificate's file.
    static func run(_ body: (String, String) async throws -> Void) async throws {
        let name = "mainline-tls-\(UInt64.random(in: 0...(.max)))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key.pem").path
        let certificate = folder.appending(path: "certificate.pem").path
        let maker = process([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
        try maker.run()
        maker.waitUntilExit()
        let output = folder.appending(path: "output")
        try Data().write(to: output)
        let server = process(["s_server", "-accept", "127.0.0.1:0", "-www", "-key", key, "-cert", certificate])
        server.standardOutput = try FileHandle(forWritingTo: output)
        try server.run()
        defer {
            // Children inherit the signals that this thread has blocked: SIGTERM would wait for ever.
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        try await body("https://127.0.0.1:\(try await port(in: output))/", certificate)
    }

    private static func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }

    /// The server says `ACCEPT 127.0.0.1:PORT` when it listens.
    private static func port(in output: URL) async throws -> UInt16 {
        for _ in 0..<12_000 {
            let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }
            if text.hasSuffix("\n"), let port = line?.split(separator: ":").last.flatMap({ UInt16($0) }) { return port }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw NotStarted()
    }
}
