import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// The owner's own pings.
@Suite struct PingTests {
    private var generator = SeededGenerator(number: 9)
    private var bench = Workbench()

    private mutating func pings() -> [(Endpoint, Pong?)] {
        bench.takeEvents().compactMap { event in
            if case .pinged(let endpoint, let pong) = event { return (endpoint, pong) }
            return nil
        }
    }

    @Test mutating func theAnswerTellsWhoIsThereAndHowFar() throws {
        let stranger = Stranger(1, using: &generator)
        bench.command(.ping(stranger.endpoint))
        let query = try #require(bench.takeSent().first)
        #expect(query.to == stranger.endpoint)
        bench.advance(by: .milliseconds(70))
        let observed = Endpoint.v4(127, 0, 0, 5, port: 77)
        bench.receive(stranger.reply(to: query, observed: observed), from: stranger.endpoint)
        let (endpoint, pong) = try #require(pings().first)
        #expect(endpoint == stranger.endpoint)
        #expect(pong?.id == stranger.id && pong?.roundTrip == .milliseconds(70) && pong?.observed == observed)
        #expect(pong?.version.count == 4)
    }

    @Test mutating func silenceAndARefusalAreToldOnce() throws {
        let (silent, refusing) = (Stranger(1, using: &generator), Stranger(2, using: &generator))
        bench.command(.ping(silent.endpoint))
        bench.command(.ping(refusing.endpoint))
        let query = try #require(bench.takeSent().first { $0.to == refusing.endpoint })
        bench.receive(refusing.error(.server, to: query), from: refusing.endpoint)
        #expect(pings().map(\.0) == [refusing.endpoint])
        bench.advance(by: .seconds(60))
        let ended = pings()
        #expect(ended.count == 1 && ended[0].0 == silent.endpoint && ended[0].1 == nil)
    }

    @Test mutating func withoutAHomeOfTheFamilyNothingIsSent() {
        let six = Endpoint.v6(EndpointV6(high: 0, low: 1, port: 9))
        bench.command(.ping(six))
        #expect(bench.takeSent().isEmpty)
        #expect(pings().map(\.0) == [six])
    }
}
