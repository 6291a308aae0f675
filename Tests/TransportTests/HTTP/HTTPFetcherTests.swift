import Primitives
import Synchronization
import Testing

@testable import Transport

/// What goes over the wire, and what comes back.
@Suite(.timeLimit(.minutes(10))) struct HTTPFetcherTests {
    @Test func aBodyIsFetched() async throws {
        try await withServer(answering: { _ in .send(.response(body: Array("d8:intervali1800ee".utf8))) }) {
            fetcher, server in
            let response = try await fetcher.get(.local(server.url("/announce?x=1")))
            #expect(response.status == 200)
            #expect(response.body == Array("d8:intervali1800ee".utf8))
            #expect(response.url == server.url("/announce?x=1"))
            #expect(response.remote == server.local)
        }
    }

    /// An infohash has bytes of every kind, and trackers compare it after decoding alone.
    @Test func theQueryGoesOutByteForByte() async throws {
        let upper = (0...255).map { "%" + hex(UInt8($0)).uppercased() }.joined()
        let lower = (0...255).map { "%" + hex(UInt8($0)) }.joined()
        let target = "/announce?info_hash=\(upper)&peer_id=\(lower)&raw=~!*'();:@,$[]|&&=&a=%2541+b&numwant=0"
        try await withServer(answering: { _ in .send(.response()) }) { fetcher, server in
            _ = try await fetcher.get(.local(server.url(target)))
            #expect(server.heads.map(\.target) == [target])
        }
    }

    @Test func theHeadSaysWhoWeAreAndNoMore() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.userAgent = "mainline/test"
        try await withServer(
            configuration, answering: { _ in .send(.response("200 OK", "Set-Cookie: id=7; Path=/")) }
        ) { fetcher, server in
            for _ in 0..<2 { _ = try await fetcher.get(.local(server.url("/"))) }
            #expect(server.heads.count == 2)
            for head in server.heads {
                #expect(head.lines.first == "GET / HTTP/1.1")
                #expect(head.field("User-Agent") == "mainline/test")
                #expect(head.field("Accept-Encoding")?.contains("gzip") == true)
                #expect(head.field("Cookie") == nil)
                #expect(head.field("Authorization") == nil)
            }
        }
    }

    @Test func aStatusIsAnErrorThatKeepsTheBody() async throws {
        let reason = Array("d14:failure reason6:bannede".utf8)
        try await withServer(answering: { _ in .send(.response("403 Forbidden", body: reason)) }) { fetcher, server in
            #expect(await fetcher.errorOf(.local(server.url("/announce"))) == .status(403, body: reason))
        }
    }

    @Test func anEmptyBodyIsAnAnswer() async throws {
        try await withServer(answering: { _ in .send(.response("204 No Content")) }) { fetcher, server in
            let response = try await fetcher.get(.local(server.url("/")))
            #expect(response.status == 204)
            #expect(response.body == [])
        }
    }

    @Test func compressedBodiesAreDecompressed() async throws {
        try await withServer(answering: { _ in
            .send(.response("200 OK", "Content-Encoding: gzip", body: GzipFixture.mebibyteOfZeros))
        }) { fetcher, server in
            let response = try await fetcher.get(.local(server.url("/")))
            #expect(response.body.count == 1 << 20)
            #expect(response.body.allSatisfy { $0 == 0 })
        }
    }

    @Test func manyAreServed() async throws {
        try await withServer(answering: { head in .send(.response(body: Array(head.target.utf8))) }) {
            fetcher, server in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<300 {
                    let url = server.url("/\(number)")
                    group.addTask { try await fetcher.get(.local(url)).body == Array("/\(number)".utf8) }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(server.connectionCount == 300)
        }
    }

    @Test func noMoreRunAtOnceThanAllowed() async throws {
        var configuration = HTTPFetcher.Configuration()
        configuration.inFlightMax = 8
        try await withServer(configuration, answering: { _ in .sendAndHold([]) }) { fetcher, server in
            let ids = try (0..<20).map { _ in try fetcher.fetch(.local(server.url("/"))) { _ in } }
            while server.heads.count < 8 { try await Task.sleep(for: .milliseconds(1)) }
            // Whoever is still to come would do so at once.
            try await Task.sleep(for: .milliseconds(50))
            #expect(server.heads.count == 8)
            for id in ids[..<8] { fetcher.cancel(id) }
            while server.heads.count < 16 { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    @Test func connectionsAreKeptOnlyWhenAskedFor() async throws {
        try await withServer(answering: { _ in .sendAndKeep(.response()) }) { fetcher, server in
            var request = HTTPRequest.local(server.url("/"))
            for _ in 0..<3 { _ = try await fetcher.get(request) }
            #expect(server.connectionCount == 3)
            request.keepsConnection = true
            for _ in 0..<3 { _ = try await fetcher.get(request) }
            #expect(server.connectionCount == 4)
        }
    }

    private func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
