import Primitives
import Testing

@testable import Transport

/// Where redirects may lead.
@Suite(.timeLimit(.minutes(10))) struct HTTPRedirectTests {
    @Test func aRedirectIsFollowed() async throws {
        let target = "/announce.php?info_hash=%ab%CD%00&x=/../y"
        try await withServer(answering: { head in
            head.target == "/old" ? .send(.redirect(to: target)) : .send(.response(body: [1, 2]))
        }) { fetcher, server in
            let response = try await fetcher.get(.local(server.url("/old")))
            #expect(response.body == [1, 2])
            #expect(response.url == server.url(target))
            #expect(server.heads.map(\.target) == ["/old", target])
        }
    }

    @Test func aLoopIsEnded() async throws {
        try await withServer(answering: { head in .send(.redirect(to: head.target)) }) { fetcher, server in
            #expect(await fetcher.errorOf(.local(server.url("/round"))) == .tooManyRedirects(max: 5))
            #expect(server.heads.count == 6)
            var request = HTTPRequest.local(server.url("/round"))
            request.redirectsMax = 0
            #expect(await fetcher.errorOf(request) == .tooManyRedirects(max: 0))
            #expect(server.heads.count == 7)
        }
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:1/_x", "ldap://127.0.0.1/"])
    func onlyHTTPIsSpoken(target: String) async throws {
        try await withServer(answering: { _ in .send(.redirect(to: target)) }) { fetcher, server in
            let error = await fetcher.errorOf(.local(server.url("/")))
            guard case .badResponse = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func aRedirectToAnAddressThatIsNotAllowedIsRefused() async throws {
        let inner = try TinyHTTPServer(at: .v4(127, 0, 0, 2, port: 0)) { _ in .send(.response(body: [1])) }
        let target = inner.url("/admin")
        try await withServer(answering: { _ in .send(.redirect(to: target)) }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/announce"))
            request.policy = HTTPPolicy { $0.address.host == .v4(127, 0, 0, 1, port: 0) }
            #expect(await fetcher.errorOf(request) == .refusedByPolicy(inner.local))
        }
        #expect(inner.connectionCount == 0)
        await inner.stop()
    }

    /// The connection is there already, so no socket is opened that could be refused.
    @Test func aRedirectOverTheSameConnectionIsAskedAboutToo() async throws {
        try await withServer(answering: { head in
            head.target == "/announce" ? .sendAndKeep(.redirect(to: "/admin")) : .sendAndKeep(.response(body: [1]))
        }) { fetcher, server in
            var request = HTTPRequest(url: server.url("/announce"))
            request.policy = .trackers
            request.keepsConnection = true
            #expect(await fetcher.errorOf(request) == .refusedByPolicy(server.local))
            #expect(server.heads.map(\.target) == ["/announce"])
            #expect(server.connectionCount == 1)
        }
    }
}
