import PeerProtocol
import Primitives
import Testing

/// Mostly through a session, which is what uses them when we ask.
@Suite struct OutstandingRequestsTests {
    @Test func theOldestIsTheFirstThatStillWaits() {
        var session = freshSession()
        for piece in 0..<4 { session.requested(block(piece), now: .origin + .seconds(piece)) }
        #expect(session.outstanding.oldest == block(0))
        session.cancelled(block(1))
        #expect(session.outstanding.oldestRequestedAt == .origin)
        session.cancelled(block(0))
        #expect(session.outstanding.oldest == block(2))
        #expect(session.outstanding.oldestRequestedAt == .origin + .seconds(2))
        #expect(session.outstanding.blocks == [block(2), block(3)])
    }

    @Test func askingTwiceIsOneRequest() {
        var session = freshSession()
        session.requested(block(1), now: .origin)
        session.requested(block(2), now: .origin)
        session.requested(block(1), now: .origin + .seconds(1))
        #expect(session.outstanding.blocks == [block(1), block(2)])
        #expect(session.outstanding.count == 2)
        session.cancelled(block(1))
        #expect(!session.outstanding.contains(block(1)))
        #expect(session.outstanding.contains(block(2)))
    }

    @Test func theOldestIsTakenOutFirst() {
        var queue = OutstandingRequests()
        for piece in [3, 1, 2, 1] { queue.append(block(piece), at: .origin) }
        #expect(queue.remove(block(1)) && !queue.remove(block(1)))
        #expect(queue.popFirst() == block(3))
        #expect(queue.popFirst() == block(2))
        #expect(queue.popFirst() == nil && queue.isEmpty)
    }

    /// Against a plain array, at the depth of a fast peer, in random order and in order.
    @Test func agreesWithAnArrayInAnyOrder() {
        var generator = SeededGenerator(number: 5)
        var session = freshSession()
        var model: [BlockRequest] = []
        var next = 0
        for round in 0..<6000 {
            let takesFromHead = round % 3 > 0
            if model.count < 2000, Bool.random(using: &generator) || model.isEmpty {
                model.append(block(next / 4, next % 4))
                session.requested(model[model.count - 1], now: .origin)
                next += 1
            } else {
                let place = takesFromHead ? 0 : Int.random(in: 0..<model.count, using: &generator)
                let wasOutstanding = session.cancelled(model.remove(at: place))
                #expect(wasOutstanding)
            }
            #expect(session.outstanding.count == model.count)
            #expect(session.outstanding.oldest == model.first)
        }
        #expect(session.outstanding.blocks == model)
        #expect(model.allSatisfy(session.outstanding.contains))
    }

    /// Blocks that differ in their length alone, and such as lie close together: a peer chooses what it asks for.
    @Test func tellsBlocksApartByAllThatTheyAre() {
        var generator = SeededGenerator(number: 7)
        var queue = OutstandingRequests()
        var model: [BlockRequest] = []
        for _ in 0..<20_000 {
            let block = BlockRequest(
                piece: Int.random(in: 0..<3, using: &generator), offset: Int.random(in: 0..<8, using: &generator),
                length: Int.random(in: 1...20, using: &generator))
            let index = model.firstIndex(of: block)
            #expect(queue.contains(block) == (index != nil))
            if Bool.random(using: &generator) {
                let isNew = queue.append(block, at: .origin)
                #expect(isNew == (index == nil))
                if index == nil { model.append(block) }
            } else {
                let wasThere = queue.remove(block)
                #expect(wasThere == (index != nil))
                if let index { model.remove(at: index) }
            }
            #expect(queue.oldest == model.first && queue.count == model.count)
        }
        #expect(queue.blocks == model)
    }

    /// One request that is never answered must not keep all later ones in memory.
    @Test func aForgottenRequestCostsNothing() {
        var session = freshSession()
        session.requested(block(0), now: .origin)
        for piece in 1..<5000 {
            session.requested(block(piece), now: .origin)
            session.cancelled(block(piece))
        }
        #expect(session.outstanding.blocks == [block(0)])
        #expect(session.outstanding.oldest == block(0))
        #expect(session.outstanding.queueLength <= 64)
    }
}
