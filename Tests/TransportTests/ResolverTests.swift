import Dispatch
import Primitives
import Testing

@testable import Transport

/// No name here leaves the machine.
@Suite(.timeLimit(.minutes(10))) struct ResolverTests {
    @Test func anAddressIsItsOwnAnswer() async throws {
        let six = Endpoint.v6(EndpointV6(high: 0, low: 1, port: 7))
        #expect(try await Resolver.resolve(host: "127.0.0.1", port: 7) == [.v4(127, 0, 0, 1, port: 7)])
        #expect(try await Resolver.resolve(host: "::1", port: 7) == [six])
    }

    @Test func namesAreAskedOfTheSystem() async throws {
        let found = try await Resolver.resolve(host: "localhost", port: 6881)
        #expect(found.allSatisfy { $0.scope == .loopback && $0.port == 6881 })
        #expect(Set(found).count == found.count)
        #expect(!found.isEmpty)
    }

    @Test func aNameThatCannotBeFails() async {
        let name = String(repeating: "x", count: 300)
        await #expect(throws: Resolver.Failure.self) { try await Resolver.resolve(host: name, port: 1) }
    }

    @Test func aSlowAnswerIsNotAwaited() async {
        let mayAnswer = DispatchSemaphore(value: 0)
        await #expect(throws: Resolver.Failure.timedOut("slow")) {
            try await Resolver.resolve(host: "slow", port: 1, within: .milliseconds(20)) { _, port in
                mayAnswer.wait()
                return .success([.v4(127, 0, 0, 1, port: port)])
            }
        }
        mayAnswer.signal()
    }
}
