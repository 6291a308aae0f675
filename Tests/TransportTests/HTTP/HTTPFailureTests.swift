import Primitives
import Synchronization
import Testing

@testable import Transport

/// Servers that are broken, slow or hostile.
@Suite(.timeLimit(.minutes(10))) struct HTTPFailureTests {
    private func get(
        _ reply: TinyHTTPServer.Reply, _ change: (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> Result<HTTPResponse, HTTPError> {
        var result = Result<HTTPResponse, HTTPError>.failure(.stopped)
        try await withServer(answering: { _ in reply }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            change(&request)
            do {
                result = .success(try await fetcher.get(request))
            } catch let error as HTTPError {
                result = .failure(error)
            }
        }
        return result
    }

    @Test func aBodyOfJustTheLimitIsTaken() async throws {
        let body = [UInt8](repeating: 7, count: 100_000)
        let result = try await get(.send(.response(body: body))) { $0.bodyBytesMax = 100_000 }
        #expect(try result.get().body == body)
    }

    @Test func aBodyThatIsAnnouncedTooLargeIsNotRead() async throws {
        // No byte of it follows: waiting for one would end as a timeout.
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n".utf8)
        let result = try await get(.sendAndHold(head)) { $0.bodyBytesMax = 100_000 }
        #expect(result == .failure(.bodyTooLarge(bytesMax: 100_000)))
    }

    @Test func aBodyWithoutLengthIsCutOff() async throws {
        let bytes = Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [UInt8](repeating: 7, count: 100_001)
        let result = try await get(.sendAndHold(bytes)) { $0.bodyBytesMax = 100_000 }
        #expect(result == .failure(.bodyTooLarge(bytesMax: 100_000)))
    }

    @Test func theLimitCountsDecompressedBytes() async throws {
        let response = [UInt8].response("200 OK", "Content-Encoding: gzip", body: GzipFixture.mebibyteOfZeros)
        let result = try await get(.send(response)) { $0.bodyBytesMax = 1 << 20 - 1 }
        #expect(result == .failure(.bodyTooLarge(bytesMax: 1 << 20 - 1)))
    }

    @Test func headersWithoutEndAreCutOff() async throws {
        let line = "X: " + String(repeating: "y", count: 1_000) + "\r\n"
        let bytes = Array(("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100)).utf8)
        #expect(try await get(.sendAndHold(bytes)) == .failure(.headersTooLarge))
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "HTTP/1.1 2x0 no\r\n\r\n", ""])
    func garbageIsNoAnswer(text: String) async throws {
        guard case .failure(.badResponse(let reason)) = try await get(.send(Array(text.utf8))) else {
            Issue.record("taken for an answer")
            return
        }
        #expect(!reason.isEmpty)
        #expect(!reason.contains("\n"))
    }

    @Test func anAnswerThatBreaksOffIsNone() async throws {
        let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!".utf8)
        guard case .failure(.badResponse) = try await get(.send(bytes)) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func brokenCompressionIsNoAnswer() async throws {
        let response = [UInt8].response("200 OK", "Content-Encoding: gzip", body: Array("no gzip at all".utf8))
        guard case .failure(.badResponse) = try await get(.send(response)) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func aServerThatSaysNothingTimesOut() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        guard case .failure(.timedOut) = try await get(.sendAndHold([]), { $0.totalTimeout = .milliseconds(200) })
        else {
            Issue.record("no timeout")
            return
        }
        // libcurl counts in whole milliseconds, by another clock.
        #expect(clock.now - start >= .milliseconds(150))
    }

    @Test func waitingForATurnCounts() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 1
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let id = try fetcher.fetch(.local(server.url("/slow"))) { _ in }
            var request = HTTPRequest.local(server.url("/"))
            request.totalTimeout = .milliseconds(100)
            #expect(await fetcher.errorOf(request) == .timedOut("no turn for 0.1 s"))
            fetcher.cancel(id)
        }
    }

    @Test func aSlowRequestGivesItsPlaceToOneThatWaits() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 4
        configuration.patience = .milliseconds(50)
        let answer: @Sendable (TinyHTTPServer.Head) -> TinyHTTPServer.Reply = { head in
            head.target == "/good" ? .send(.response()) : .sendAndHold([])
        }
        try await withServer(configuration, answering: answer) { fetcher, server in
            let slow = try (0..<20).map { try fetcher.fetch(.local(server.url("/slow\($0)"))) { _ in } }
            #expect(await fetcher.errorOf(.local(server.url("/good"))) == nil)
            #expect(server.heads.count >= 17)
            for id in slow { fetcher.cancel(id) }
        }
    }

    @Test func oneHostDoesNotTakeAllPlaces() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 4
        configuration.inFlightPerHostMax = 2
        configuration.patience = .seconds(600)
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, slow in
            let ids = try (0..<20).map { try fetcher.fetch(.local(slow.url("/\($0)"))) { _ in } }
            while slow.heads.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
            let good = try TinyHTTPServer { _ in .send(.response()) }
            #expect(await fetcher.errorOf(.local(good.url("/"))) == nil)
            #expect(slow.heads.count == 2)
            await good.stop()
            for id in ids { fetcher.cancel(id) }
        }
    }

    @Test func aClosedPortIsNotConnectedTo() async throws {
        let closed = try ClosedPort()
        let fetcher = HTTPFetcher()
        guard case .cannotConnect = await fetcher.errorOf(.local("http://\(closed.endpoint)/")) else {
            Issue.record("connected")
            return
        }
        await fetcher.stop()
    }

    /// The label is too long for any name server: nobody is asked.
    @Test func aNameThatCannotBeIsNotResolved() async throws {
        let fetcher = HTTPFetcher()
        let name = String(repeating: "x", count: 64) + ".invalid"
        guard case .cannotResolve(let reason) = await fetcher.errorOf(.local("http://\(name)/announce")) else {
            Issue.record("resolved")
            return
        }
        #expect(reason.contains(name))
        await fetcher.stop()
    }
}
