import PeerProtocol
import Primitives
import Testing

@testable import Swarm

/// How long a call may go unanswered.
@Suite struct ConnectTimeoutTests {
    /// Two places for calls.
    private func swarm() -> Swarm {
        var generator = SeededGenerator(number: 1)
        var configuration = Swarm.Configuration()
        configuration.connectingMax = 2
        let identity = Swarm.Identity(
            peerID: PeerID(prefix: "-MN0100-", using: &generator), listenPort: 0, clientName: "test")
        return Swarm(
            torrent: TorrentHandle(rawValue: 1), infoHash: .random(using: &generator), configuration: configuration,
            identity: identity, firstHandle: 1 << 40, generator: generator, now: .origin)
    }

    private func endpoints(_ count: Int) -> [Endpoint] {
        (1...count).map { .v4(20, 0, 0, UInt8($0), port: 6881) }
    }

    /// Seconds after which each endpoint is called for the first time, and the first call is given up.
    private func times(_ count: Int) -> (called: [Endpoint: Double], givenUp: Double?) {
        var (swarm, outbox) = (swarm(), Swarm.Outbox())
        var called: [Endpoint: Double] = [:]
        var givenUp: Double?
        swarm.peersFound(endpoints(count), source: .dht, now: .origin, into: &outbox)
        for step in 0...60 {
            let now = Instant.origin + .milliseconds(100 * step)
            swarm.timedOut(now: now, into: &outbox)
            for action in outbox.actions {
                switch action {
                case .connect(_, let endpoint): called[endpoint] = called[endpoint] ?? Double(step) / 10
                case .close: givenUp = givenUp ?? Double(step) / 10
                default: break
                }
            }
            outbox.clear()
        }
        return (called, givenUp)
    }

    @Test func whoDoesNotAnswerMakesRoomForThoseWhoWait() {
        let (called, givenUp) = times(4)
        #expect(givenUp == 2.5)
        #expect(endpoints(4).map { called[$0] } == [0, 0, 2.5, 2.5])
    }

    @Test func withoutOthersItHasMoreTime() {
        let (called, givenUp) = times(2)
        #expect(givenUp == 5 && called.count == 2)
    }
}
