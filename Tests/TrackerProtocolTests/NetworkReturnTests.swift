import Primitives
import Testing
import TrackerProtocol

/// Our own link was lost and is back.
@Suite struct NetworkReturnTests {
    @Test func trackersThatDidNotAnswerAreAskedAtOnce() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.fail("a")
        world.sleep()
        world.fail("a")
        _ = world.said()
        #expect(world.wait ?? 0 > 20)
        world.networkReturned(isMoved: false)
        #expect(world.said() == ["a:started"])
    }

    @Test func whatWasUnderWayIsAskedAnew() {
        var world = ScheduleWorld(["a"])
        world.started()
        #expect(world.said() == ["a:started"])
        world.networkReturned(isMoved: false)
        #expect(world.said() == ["-1", "a:started"])
    }

    @Test func aTrackerThatKnowsUsIsNotAskedEarly() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.answer("a")
        _ = world.said()
        world.networkReturned(isMoved: false)
        #expect(world.said() == [] && world.wait == 300)
    }

    @Test func anotherAddressIsToldAtOnce() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.answer("a")
        _ = world.said()
        world.networkReturned(isMoved: true)
        #expect(world.said() == ["a:none"])
    }

    @Test func aTrackerThatRefusedForATimeIsLeftAlone() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.fail("a", .refused("later", retry: .after(.seconds(3600))))
        _ = world.said()
        world.networkReturned(isMoved: true)
        #expect(world.said() == [])
    }
}
