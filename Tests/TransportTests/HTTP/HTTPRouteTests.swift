import Primitives
import Testing

@testable import Transport

/// Where requests leave from, and through whom.
@Suite(.timeLimit(.minutes(10))) struct HTTPRouteTests {
    @Test func theSourceAddressIsUsed() async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            for device in [nil, "lo"] {
                request.route = HTTPRoute(source: .address(.v4(127, 0, 0, 9, port: 6881), device: device))
                _ = try await fetcher.get(request)
            }
            request.route = HTTPRoute(source: .interface("lo"))
            _ = try await fetcher.get(request)
            request.route = HTTPRoute(source: .address(.v4(0, 0, 0, 0, port: 0)))
            _ = try await fetcher.get(request)
            let sources = server.heads.map(\.source?.hostText)
            #expect(sources == ["127.0.0.9", "127.0.0.9", "127.0.0.1", "127.0.0.1"])
        }
    }

    @Test(arguments: [
        HTTPRoute(source: .address(.v4(192, 0, 2, 1, port: 0))), HTTPRoute(source: .interface("nosuch0")),
        HTTPRoute(source: .address(.v4(127, 0, 0, 1, port: 0), device: "nosuch0")),
    ])
    func nothingLeavesFromElsewhere(route: HTTPRoute) async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            request.route = route
            let error = await fetcher.errorOf(request)
            guard case .cannotBind(let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(!reason.isEmpty)
            #expect(server.connectionCount == 0)
        }
    }

    @Test func aFamilyIsKeptTo() async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            var request = HTTPRequest.local("http://localhost:\(server.local.port)/")
            request.route.family = .v4
            _ = try await fetcher.get(request)
            request.route.family = .v6
            #expect(await fetcher.errorOf(request) != nil)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func namesAreNotLookedUpAgainstTheUsersWill() async throws {
        try await withServer(answering: { head in
            head.target == "/1" ? .send(.redirect(to: "http://localhost:1/2")) : .send(.response())
        }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            request.names = .refused
            _ = try await fetcher.get(request)
            let refused = HTTPError.cannotResolve("names may not be looked up")
            request.url = server.url("/1")
            #expect(await fetcher.errorOf(request) == refused)
            request.url = "http://localhost:\(server.local.port)/"
            #expect(await fetcher.errorOf(request) == refused)
            #expect(server.heads.map(\.target) == ["/", "/1"])
        }
    }

    @Test(arguments: [
        HTTPRoute(source: .address(.v4(127, 0, 0, 1, port: 0)), family: .v6), HTTPRoute(source: .interface("")),
        HTTPRoute(source: .interface("sixteen-letters-")), HTTPRoute(proxy: "socks5://127.0.0.1:1"),
        HTTPRoute(proxy: "127.0.0.1:8080"), HTTPRoute(proxy: "http://127.0.0.1:8080/\r\n"),
    ])
    func routesThatCannotBeMeantAreRefused(route: HTTPRoute) {
        var request = HTTPRequest.local("http://127.0.0.1:1/")
        request.route = route
        #expect(throws: HTTPError.self) { try HTTPFetcher().fetch(request) { _ in } }
    }

    @Test func aProxyIsAskedForNames() async throws {
        try await withServer(answering: { _ in .send(.response(body: [1])) }) { fetcher, server in
            var request = HTTPRequest(url: "http://tracker.invalid/announce?x=%ff")
            request.route.proxy = "http://\(server.local)"
            let response = try await fetcher.get(request)
            #expect(response.body == [1])
            #expect(response.remote == server.local)
            #expect(server.heads.map(\.target) == ["http://tracker.invalid/announce?x=%ff"])
        }
    }

    @Test func aSocksProxyLooksNamesUp() async throws {
        let proxy = try TinyHTTPServer(speaksSocks: true) { _ in .send(.response(body: [2])) }
        let fetcher = HTTPFetcher()
        var request = HTTPRequest(url: "http://tracker.invalid/announce")
        request.route.proxy = "socks5h://\(proxy.local)"
        let response = try? await fetcher.get(request)
        #expect(response?.body == [2])
        #expect(proxy.namesAskedFor == ["tracker.invalid"])
        #expect(proxy.heads.first?.field("Host") == "tracker.invalid")
        await fetcher.stop()
        await proxy.stop()
    }

    @Test(arguments: ["127.0.0.1", "localhost", "LOCALHOST.", "x.localhost", "192.168.1.1", "[::1]", "2130706433"])
    func aProxyIsNotAskedForAddressesThatAreNotAllowed(host: String) async throws {
        try await withServer(answering: { _ in .send(.response(body: [1])) }) { fetcher, server in
            var request = HTTPRequest(url: "http://\(host)/announce")
            request.route.proxy = "http://\(server.local)"
            let error = await fetcher.errorOf(request)
            guard case .refusedByPolicy = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.heads.isEmpty)
        }
    }

    @Test func aProxyThatFailsIsNotGoneAround() async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            let closed = try ClosedPort()
            var request = HTTPRequest.local(server.url("/"))
            for scheme in ["socks5h", "http"] {
                request.route.proxy = "\(scheme)://\(closed.endpoint)"
                guard case .proxyFailed = await fetcher.errorOf(request) else {
                    Issue.record("\(scheme) was not asked, or not to blame")
                    continue
                }
            }
            #expect(server.connectionCount == 0)
        }
    }
}
