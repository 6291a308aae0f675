import Primitives
import Synchronization
import Testing

@testable import Transport

/// Whom requests may reach.
@Suite(.timeLimit(.minutes(10))) struct HTTPPolicyTests {
    private func hop(_ address: String, _ path: String = "/announce") throws -> HTTPHop {
        HTTPHop(
            address: try #require(Endpoint(host: address, port: 80)), host: address, path: path, isRedirected: false)
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1",
        "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "ff02::1",
    ])
    func theInternetAloneIsGlobal(address: String) throws {
        #expect(!HTTPPolicy.global.allows(try hop(address)))
    }

    @Test(arguments: ["1.1.1.1", "2606:4700::1111"])
    func theInternetIsAllowedToAll(address: String) throws {
        for policy in [HTTPPolicy.global, .globalOrLocal, .trackers] { #expect(policy.allows(try hop(address, "/x"))) }
    }

    @Test(arguments: ["169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"])
    func nobodyIsAllowedLinkLocalAddresses(address: String) throws {
        for policy in [HTTPPolicy.globalOrLocal, .trackers] { #expect(!policy.allows(try hop(address))) }
    }

    @Test func localTrackersAreAskedForNothingElse() throws {
        for path in ["/announce", "/announce.php", "/announce/0123", "/scrape", "/scrape.php"] {
            #expect(HTTPPolicy.trackers.allows(try hop("127.0.0.1", path)), "\(path)")
            #expect(HTTPPolicy.trackers.allows(try hop("192.168.1.1", path)), "\(path)")
        }
        for path in ["/", "/admin", "/x/announce", "/announce/../admin", "/announce/%2e%2E/admin", "/announce\\..\\x"] {
            #expect(!HTTPPolicy.trackers.allows(try hop("127.0.0.1", path)), "\(path)")
            #expect(!HTTPPolicy.trackers.allows(try hop("::1", path)), "\(path)")
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0"])
    func noSpellingOfLoopbackGetsThrough(host: String) async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            let error = await fetcher.errorOf(HTTPRequest(url: "http://\(host):\(server.local.port)/announce"))
            guard case .refusedByPolicy = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.connectionCount == 0)
        }
    }

    @Test func theRuleSeesWhatIsReallyAskedFor() async throws {
        let hops = Mutex<[HTTPHop]>([])
        try await withServer(answering: { head in
            head.target.hasPrefix("/a") ? .send(.redirect(to: "/b/./c?x=1")) : .send(.response())
        }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/z/../a?q#f"))
            request.policy = HTTPPolicy { hop in
                hops.withLock { $0.append(hop) }
                return true
            }
            _ = try await fetcher.get(request)
            let seen = hops.withLock { $0 }
            #expect(Set(seen.map(\.path)) == ["/a", "/b/c"])
            #expect(seen.allSatisfy { $0.address == server.local && $0.host == "127.0.0.1" })
            #expect(seen.allSatisfy { $0.isRedirected == ($0.path == "/b/c") })
        }
    }
}
