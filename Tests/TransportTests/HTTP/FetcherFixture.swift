import Primitives
import Testing

@testable import Transport

extension HTTPFetcher {
    /// The answer to a request, or its `HTTPError`.
    func get(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await withCheckedThrowingContinuation { continuation in
            do throws(HTTPError) {
                try fetch(request) { continuation.resume(with: $0.mapError { $0 as any Error }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// Nil when the request went well.
    func errorOf(_ request: HTTPRequest) async -> HTTPError? {
        do {
            _ = try await get(request)
            return nil
        } catch {
            return error as? HTTPError
        }
    }
}

extension HTTPRequest {
    /// A request that loopback is allowed to.
    static func local(_ url: String) -> HTTPRequest {
        var request = HTTPRequest(url: url)
        request.policy = .globalOrLocal
        // Other tests may keep all processors busy for long.
        request.totalTimeout = .seconds(300)
        request.connectTimeout = .seconds(300)
        return request
    }
}

/// A server and a fetcher, both stopped in the end.
func withServer(
    _ configuration: HTTPFetcher.Configuration = .init(),
    answering answer: @escaping @Sendable (TinyHTTPServer.Head) -> TinyHTTPServer.Reply,
    _ body: (HTTPFetcher, TinyHTTPServer) async throws -> Void
) async throws {
    let server = try TinyHTTPServer(answer: answer)
    let fetcher = HTTPFetcher(configuration: configuration)
    do {
        try await body(fetcher, server)
        await fetcher.stop()
        await server.stop()
    } catch {
        await fetcher.stop()
        await server.stop()
        throw error
    }
}
