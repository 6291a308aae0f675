import Primitives
import Testing
import TrackerProtocol

/// Several trackers: tiers (BEP 12), address families (BEP 7, BEP 15), and how much goes on at once.
@Suite struct TierScheduleTests {
    @Test func bep12StrictlyOneAfterTheOther() {
        var world = ScheduleWorld(["a", "b", "c"], .strict)
        world.started()
        #expect(world.said() == ["a:started"])
        world.fail("a")
        #expect(world.said() == ["b:started"])
        world.answer("b")
        #expect(world.said() == [] && world.wait == 1800)
        world.sleep()
        // "On the next announce, repeat in the same order."
        #expect(world.said() == ["a:started"])
        world.fail("a")
        #expect(world.said() == ["b:none"])
        world.fail("b")
        #expect(world.said() == ["c:started"])
        world.answer("c")
        world.sleep()
        world.answer("a")
        #expect(world.said() == ["a:started"] && world.wait == 1800)
        world.stopped()
        #expect(world.said() == ["a:stopped", "b:stopped", "c:stopped"])
    }

    @Test func bep12TheTrackerThatAnsweredComesFirstInItsTier() {
        var world = ScheduleWorld(["abc", "d"], .strict)
        let names = world.schedule.list.tiers[0].map { ["a", "b", "c"][$0.rawValue] }
        world.started()
        world.fail(names[0])
        world.answer(names[1])
        #expect(world.said() == ["\(names[0]):started", "\(names[1]):started"])
        world.sleep()
        #expect(world.said() == ["\(names[1]):none"])
        world.fail(names[1])
        world.fail(names[0])
        world.answer(names[2])
        world.sleep()
        #expect(world.said() == ["\(names[0]):started", "\(names[2]):started", "\(names[2]):none"])
        #expect(world.schedule.list.tiers[0].map { ["a", "b", "c"][$0.rawValue] } == [names[2], names[1], names[0]])
    }

    @Test func whenAllHaveFailedTheNextRoundStartsAtTheTop() throws {
        var world = ScheduleWorld(["a", "b"], .strict)
        world.started()
        world.fail("a")
        world.fail("b")
        #expect(world.said() == ["a:started", "b:started"])
        #expect(try #require(world.wait) <= 38)
        world.sleep()
        #expect(world.said() == ["a:started"])
    }

    @Test func aTrackerThatWantsRestIsPassedOver() {
        var world = ScheduleWorld(["a", "b"], .strict)
        world.started()
        world.fail("a", .refused("busy", retry: .after(.seconds(3600))))
        world.answer("b")
        world.sleep()
        #expect(world.said() == ["a:started", "b:started", "b:none"])
        world.answer("b")
        world.sleep()
        #expect(world.said() == ["a:started"])
    }

    @Test func everyTierGoesOnByItself() {
        var world = ScheduleWorld(["a", "b", "c"])
        world.started()
        #expect(world.said() == ["a:started", "b:started", "c:started"])
        world.answer("b") { $0.interval = .seconds(600) }
        world.fail("a")
        #expect(world.said() == [])
        world.answer("c")
        world.sleep()
        #expect(world.said() == ["a:started"])
        world.answer("a")
        world.sleep()
        #expect(world.said() == ["b:none"] && world.seconds == 600)
    }

    @Test func oneTrackerOfATierIsEnoughUnlessAllAreWanted() {
        var world = ScheduleWorld(["ab", "c"])
        world.started()
        #expect(world.said().count == 2)
        var all = ScheduleWorld(["ab", "c"], .everyTracker)
        all.started()
        #expect(all.said().sorted() == ["a:started", "b:started", "c:started"])
    }

    @Test func bep15UDPTrackersHearOfEachAddressFamily() {
        var world = ScheduleWorld(["A", "b"], families: [.v4, .v6])
        world.started()
        #expect(world.said() == ["a4:started", "a6:started", "b:started"])
        world.answer("b")
        world.answer("a4")
        world.answer("a6") { $0.interval = .seconds(900) }
        world.sleep()
        #expect(world.said() == ["a6:none"] && world.seconds == 900)
        world.answer("a6")
        world.stopped()
        #expect(world.said() == ["a4:stopped", "a6:stopped", "b:stopped"])
    }

    @Test func bep7HTTPTrackersDoSoIfWanted() {
        var world = ScheduleWorld(["a"], families: [.v4, .v6]) { $0.splitsHTTPByFamily = true }
        world.started()
        let requests = world.requests()
        #expect(requests.count == 2 && requests[0].key == requests[1].key)
    }

    @Test func aFamilyThatCannotReachTheTrackerIsNoReasonToAskAnother() {
        var world = ScheduleWorld(["AB"], families: [.v4, .v6])
        world.started()
        let (first, second) = world.schedule.list.tiers[0][0].rawValue == 0 ? ("a", "b") : ("b", "a")
        #expect(world.said() == ["\(first)4:started", "\(first)6:started"])
        world.answer("\(first)4")
        world.fail("\(first)6", .noAddress)
        #expect(world.said() == [] && world.wait == 1800)
        #expect(!world.events.contains(.failed(world.schedule.list.tiers[0][0], .v6, .noAddress)))
        world.sleep()
        #expect(world.said() == ["\(first)4:none"])
        world.fail("\(first)4")
        #expect(world.said() == ["\(second)4:started", "\(second)6:started"])
    }

    @Test func theUnreachableFamilyIsTriedAgainByItself() throws {
        var world = ScheduleWorld(["A"], families: [.v4, .v6])
        world.started()
        world.fail("a6")
        world.answer("a4")
        _ = world.said()
        for _ in 0..<3 {
            #expect(try #require(world.wait) <= 150)
            world.sleep()
            #expect(world.said() == ["a6:started"])
            world.fail("a6")
        }
        world.sleep()
        world.answer("a6")
        #expect(world.said() == ["a6:started"])
        world.completed()
        #expect(world.said() == ["a4:completed", "a6:completed"])
    }

    @Test func anAddressAsHostHasOnlyItsOwnFamily() {
        var generator = SeededGenerator(number: 1)
        let list = TrackerList(tiers: [["udp://1.2.3.4:1"], ["udp://[2001:db8::1]:1"]], using: &generator)
        let identity = AnnounceSchedule.Identity(infoHash: torrentHash, peerID: ourID, port: 1, families: [.v4])
        var schedule = AnnounceSchedule(list: list, identity: identity, generator: generator)
        var outbox = AnnounceSchedule.Outbox()
        schedule.started(now: .origin, into: &outbox)
        let families = outbox.actions.map { action in
            if case .announce(let order) = action { return order.family }
            return nil
        }
        #expect(families == [.v4])
    }

    @Test func anOrderSaysHowItIsCarriedOut() throws {
        var generator = SeededGenerator(number: 1)
        let list = TrackerList(magnetTrackers: ["udp://a:1/announce", "http://b/announce"], using: &generator)
        let identity = AnnounceSchedule.Identity(infoHash: torrentHash, peerID: ourID, port: 1)
        var schedule = AnnounceSchedule(list: list, identity: identity, generator: generator)
        var outbox = AnnounceSchedule.Outbox()
        schedule.started(now: .origin, into: &outbox)
        let orders = outbox.actions.compactMap { action in
            if case .announce(let order) = action { return order }
            return nil
        }
        try #require(orders.count == 2)
        #expect(orders[0].question == .announce(orders[0].request, urlData: Array("/announce".utf8)))
        #expect(orders[0].fetchURL == nil && orders[1].question == nil)
        #expect(orders[1].fetchURL == HTTPTracker.announceURL(list.urls[1], orders[1].request))
    }

    @Test func announcesAtOnceAreLimited() {
        let names = Array("abcdefghij").map(String.init)
        var world = ScheduleWorld(names) { $0.announcesMax = 3 }
        world.started()
        #expect(world.said() == ["a:started", "b:started", "c:started"])
        world.answer("b")
        #expect(world.said() == ["d:started"])
        world.fail("a")
        world.fail("c")
        #expect(world.said() == ["e:started", "f:started"])
        for name in ["d", "e", "f", "g", "h", "i", "j"] { world.answer(name) }
        #expect(world.said() == ["g:started", "h:started", "i:started", "j:started"])
        world.completed()
        #expect(world.said() == ["b:completed", "d:completed", "e:completed"])
        world.stopped()
        // a and c have never answered; the rest says goodbye without waiting for a free announce.
        #expect(world.said().filter { $0.hasSuffix(":stopped") }.count == 8)
    }

    @Test func aLateOrRepeatedTimeoutDoesNoHarm() {
        var world = ScheduleWorld(["a", "b"])
        world.started()
        world.answer("a")
        world.answer("b")
        _ = world.said()
        var outbox = AnnounceSchedule.Outbox()
        world.set { $0.timedOut(now: .seconds(1799), into: &outbox) }
        #expect(outbox.actions.isEmpty)
        world.set { $0.timedOut(now: .seconds(50_000), into: &outbox) }
        #expect(outbox.actions.count == 2)
        world.set { $0.timedOut(now: .seconds(50_000), into: &outbox) }
        #expect(outbox.actions.count == 2)
    }

    // MARK: Slow trackers

    @Test func theNextOfATierIsAskedWhenOneIsSlowAndALateAnswerStillCounts() {
        var world = ScheduleWorld(["a", "b", "c"], .strict)
        world.started()
        world.sleep(.seconds(3))
        #expect(world.said() == ["a:started"])
        world.sleep(.seconds(1))
        #expect(world.said() == ["b:started"])
        world.answer("b")
        world.answer("a") { $0.interval = .seconds(600) }
        #expect(world.said() == [] && world.events.count == 2)
        // The one that answered in time is asked again at its interval; the list begins at the top then.
        world.sleep()
        #expect(world.seconds == 1804 && world.said() == ["a:none"])
        #expect(world.violations == [])
    }

    @Test func aTierOfSlowTrackersIsAskedThroughAndBeginsAgain() {
        var world = ScheduleWorld(["a", "b"], .strict)
        world.started()
        world.sleep(.seconds(70))
        // Each is cancelled after a minute.
        #expect(world.said() == ["a:started", "b:started", "-1", "-2"])
        world.sleep(.seconds(60))
        #expect(world.said() == ["a:started", "b:started"])
        world.answer("b")
        #expect(world.violations == [])
        world.stopped()
        #expect(world.said().contains("b:stopped"))
    }

    /// A magnet with 150 trackers that never answer before the one that does.
    @Test func slowTrackersDelayTheOthersByEightSeconds() {
        let urls = (0..<150).map { ["http://dead\($0)/"] } + [["http://alive/"]]
        var world = ScheduleWorld(urls: urls)
        world.started()
        #expect(world.open.count == 64)
        world.sleep(.seconds(7))
        #expect(!world.open.contains { $0.url.host == "alive" })
        world.sleep(.seconds(1))
        #expect(world.open.contains { $0.url.host == "alive" })
        // Retries of the dead do not go before the last that was never asked, and none is asked twice at once.
        world.sleep(.seconds(300))
        #expect(world.violations == [])
    }
}
