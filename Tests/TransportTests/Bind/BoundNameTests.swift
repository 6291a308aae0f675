import Primitives
import Testing

@testable import Transport

/// Names while something is bound: by c-ares from there, or not at all.
@Suite struct BoundNameTests {
    private let loopback = NameResolver.bound([.interface("lo")], families: [.v4])

    @Test func numbersNeedNoResolver() async throws {
        let nowhere = NameResolver.bound([.interface("nosuch0")], families: [.v4])
        for resolver in [NameResolver.refused, nowhere, loopback] {
            #expect(try await resolver.resolve(host: "127.0.0.9", port: 7) == [.v4(127, 0, 0, 9, port: 7)])
        }
    }

    @Test func namesAreRefusedWithoutDNS() async {
        await #expect(throws: Resolver.Failure.refused("tracker.example")) {
            try await NameResolver.refused.resolve(host: "tracker.example", port: 1)
        }
        #expect("\(Resolver.Failure.refused("a"))".contains("--no-dns"))
    }

    @Test func anInterfaceThatIsNotThereIsSaid() async {
        let nowhere = NameResolver.bound([.interface("nosuch0")], families: [.v4, .v6])
        await #expect(throws: Resolver.Failure.unknownHost("tracker.example", reason: "nosuch0 is down")) {
            try await nowhere.resolve(host: "tracker.example", port: 1)
        }
    }

    @Test func theHostsFileIsRead() async throws {
        #expect(try await loopback.resolve(host: "localhost", port: 80) == [.v4(127, 0, 0, 1, port: 80)])
        let six = NameResolver.bound([.interface("lo")], families: [.v6])
        let found = try? await six.resolve(host: "localhost", port: 80)
        #expect(found.map { $0.allSatisfy { $0.family == .v6 } } ?? true)
    }

    @Test func namesOfURLsAndRedirectsAreResolvedByUs() async throws {
        try await withServer(answering: { head in
            head.target == "/1"
                ? .send(.redirect(to: "http://LOCALHOST:\(head.field("Host")?.split(separator: ":").last ?? "")/2"))
                : .send(.response(body: [7]))
        }) { fetcher, server in
            var request = HTTPRequest.local("http://localhost:\(server.local.port)/1")
            request.names = loopback
            request.route = HTTPRoute(source: .address(.v4(127, 0, 0, 1, port: 0), device: "lo"))
            let response = try await fetcher.get(request)
            #expect(response.body == [7])
            #expect(server.heads.map(\.target) == ["/1", "/2"])
            #expect(server.heads.allSatisfy { $0.source?.hostText == "127.0.0.1" })
        }
    }

    @Test func aNameThatCannotBeResolvedEndsTheRequest() async throws {
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            var request = HTTPRequest.local("http://localhost:\(server.local.port)/")
            request.names = .bound([.interface("nosuch0")], families: [.v4])
            guard case .cannotResolve(let reason) = await fetcher.errorOf(request) else {
                Issue.record("no error, or another one")
                return
            }
            #expect(reason.contains("nosuch0 is down"))
            #expect(server.connectionCount == 0)
        }
    }

    @Test func theRedirectsOfAllStepsAreCounted() async throws {
        try await withServer(answering: { head in
            .send(.redirect(to: "http://localhost:\(head.field("Host")?.split(separator: ":").last ?? "")/again"))
        }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            request.names = loopback
            request.redirectsMax = 3
            #expect(await fetcher.errorOf(request) == .tooManyRedirects(max: 3))
            #expect(server.heads.count == 4)
        }
    }

    @Test func aNameIsAskedForOnce() {
        var course = HTTPCourse()
        let question = HTTPCourse.Question(host: "a.example.", port: 80, url: "http://a.example./x", redirects: 1)
        #expect(course.isNew(question))
        course.answered(question, by: [.v4(1, 2, 3, 4, port: 80), .v6(EndpointV6(high: 0, low: 1, port: 80))])
        #expect(!course.isNew(question))
        #expect(course.entries == ["a.example.:80:1.2.3.4,[::1]", "a.example:80:1.2.3.4,[::1]"])
        #expect(course.url == "http://a.example./x" && course.redirects == 1)
    }
}
