import Primitives
import Synchronization
import Testing

@testable import Transport

/// Requests and fetchers that end before their time, or cannot begin.
@Suite(.timeLimit(.minutes(10))) struct HTTPLifeTests {
    /// Starts a request and gives its error to whoever waits for it.
    private final class Pending: Sendable {
        let id: HTTPFetcher.RequestID
        private let errors: AsyncStream<HTTPError?>

        init(_ request: HTTPRequest, of fetcher: HTTPFetcher) throws {
            let (errors, continuation) = AsyncStream.makeStream(of: HTTPError?.self)
            self.errors = errors
            id = try fetcher.fetch(request) { result in
                if case .failure(let error) = result { continuation.yield(error) } else { continuation.yield(nil) }
                continuation.finish()
            }
        }

        var error: HTTPError? {
            get async {
                for await error in errors { return error }
                return nil
            }
        }
    }

    @Test func aRequestInFlightIsCancelled() async throws {
        try await withServer(answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let pending = try Pending(.local(server.url("/")), of: fetcher)
            while server.heads.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            fetcher.cancel(pending.id)
            #expect(await pending.error == .cancelled)
            // The fetcher goes on, and a second cancellation finds nothing.
            fetcher.cancel(pending.id)
            #expect(await fetcher.errorOf(.local("http://127.0.0.1:1/")) != .cancelled)
        }
    }

    @Test func aRequestThatWaitsIsCancelled() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 1
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let first = try Pending(.local(server.url("/1")), of: fetcher)
            let second = try Pending(.local(server.url("/2")), of: fetcher)
            fetcher.cancel(second.id)
            #expect(await second.error == .cancelled)
            fetcher.cancel(first.id)
            #expect(await first.error == .cancelled)
            #expect(server.heads.count <= 1)
        }
    }

    @Test func moreThanTheQueueHoldsAreRefused() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 1
        configuration.waitingMax = 3
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let running = try Pending(.local(server.url("/")), of: fetcher)
            while server.heads.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            let waiting = try (0..<3).map { _ in try Pending(.local(server.url("/")), of: fetcher) }
            #expect(throws: HTTPError.queueFull(max: 3)) { try fetcher.fetch(.local(server.url("/"))) { _ in } }
            for pending in [running] + waiting { fetcher.cancel(pending.id) }
            for pending in [running] + waiting { #expect(await pending.error == .cancelled) }
        }
    }

    @Test func stoppingEndsWhatRunsAndWhatWaits() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 2
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let ended = Mutex<[HTTPError?]>([])
            for _ in 0..<5 {
                try fetcher.fetch(.local(server.url("/"))) { result in
                    ended.withLock { $0.append(result.error) }
                }
            }
            await fetcher.stop()
            #expect(ended.withLock { $0 } == Array(repeating: .stopped, count: 5))
            #expect(throws: HTTPError.stopped) { try fetcher.fetch(.local(server.url("/"))) { _ in } }
            await fetcher.stop()
        }
    }

    @Test func aFetcherThatWasNeverUsedIsStopped() async {
        await HTTPFetcher().stop()
    }

    @Test func aCompletionMayAskForMore() async throws {
        try await withServer(answering: { head in .send(.response(body: Array(head.target.utf8))) }) {
            fetcher, server in
            let body: [UInt8] = try await withCheckedThrowingContinuation { continuation in
                do {
                    try fetcher.fetch(.local(server.url("/1"))) { _ in
                        do {
                            try fetcher.fetch(.local(server.url("/2"))) { result in
                                continuation.resume(with: result.map(\.body).mapError { $0 as any Error })
                            }
                        } catch { continuation.resume(throwing: error) }
                    }
                } catch { continuation.resume(throwing: error) }
            }
            #expect(body == Array("/2".utf8))
        }
    }

    @Test func withoutTheLibraryTheErrorSaysWhatToInstall() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.libraries = ["libno-such-thing.so.4"]
        let fetcher = HTTPFetcher(configuration: configuration)
        // Twice: the thread has ended after the first.
        for _ in 0..<2 {
            let error = try #require(await fetcher.errorOf(.local("http://127.0.0.1:1/")))
            guard case .libraryMissing = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.description.contains("libcurl4"))
            #expect(error.description.contains("libno-such-thing.so.4"))
            #expect(!error.description.contains("\n"))
        }
        await fetcher.stop()
    }

    @Test func aLibraryWithoutTheFunctionsIsNotUsed() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.libraries = ["libm.so.6"]
        let fetcher = HTTPFetcher(configuration: configuration)
        let error = await fetcher.errorOf(.local("http://127.0.0.1:1/"))
        #expect(error == .libraryMissing("libm.so.6 has no curl_global_init, it is too old"))
        await fetcher.stop()
    }

    @Test(arguments: [
        "", "127.0.0.1/announce", "udp://127.0.0.1:80/announce", "file:///etc/passwd", "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\u{0}",
        "http://127.0.0.1/" + String(repeating: "x", count: 17_000),
    ])
    func urlsThatCannotBeMeantAreRefused(url: String) {
        let fetcher = HTTPFetcher()
        #expect(throws: HTTPError.self) { try fetcher.fetch(.local(url)) { _ in } }
    }

    @Test(arguments: ["http://", "http://:80/", "http://127.0.0.1:99999/", "http://[::1/"])
    func urlsThatCurlCannotReadAreRefused(url: String) async {
        let fetcher = HTTPFetcher()
        guard case .badRequest = await fetcher.errorOf(.local(url)) else {
            Issue.record("taken")
            return
        }
        await fetcher.stop()
    }
}

extension Result {
    var error: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
