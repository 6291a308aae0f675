import KRPC
import Primitives
import TestSupport
import Testing

@testable import Kademlia

/// One machine forges the source of each query; nodes whose addresses are proved ask too.
@Suite struct ForgedSourceTests {
    @Test(arguments: [2, 10, 20]) func nodesWithAProvedAddressAreAnswered(perTick: Int) {
        var scene = LimitScene(Configuration())
        var friends: [Stranger] = []
        for number in 0..<30 {
            let friend = scene.stranger(3000 + number)
            scene.receive(friend.ping(), from: friend)
            scene.bench.advance(by: .milliseconds(200))
            for query in scene.sent() where query.query != nil && query.to == friend.endpoint {
                scene.receive(friend.reply(to: query), from: friend)
                friends.append(friend)
            }
        }
        _ = scene.sent()
        #expect(friends.count >= 20)
        var (asked, answered, number) = (0, 0, 0)
        for tick in 0..<3_000 {
            for _ in 0..<perTick {
                number += 1
                let source = Endpoint.v4(
                    UInt8(60 + number % 60), UInt8(number / 60 % 250), UInt8(number / 15_000 % 250), 9, port: 7_000)
                let forged = scene.stranger(at: source)
                scene.receive(forged.findNode(.zero), from: forged)
            }
            _ = scene.sent()
            if tick.isMultiple(of: 50) {
                let honest = friends[tick / 50 % friends.count]
                scene.receive(honest.getPeers(.zero), from: honest)
                asked += 1
                answered += scene.sent().count { $0.to == honest.endpoint && $0.response != nil }
            }
            scene.bench.advance(by: .milliseconds(10))
        }
        #expect(answered == asked, "\(answered) of \(asked)")
    }
}
