import Primitives
import Testing
import TrackerProtocol

/// When a tracker is asked for its counts alone (BEP 48).
@Suite struct AnnounceScrapeTests {
    private let tracker = "http://t/announce"

    @Test func anAnnounceWithoutCountsIsFollowedByAScrape() {
        var world = ScheduleWorld(urls: [[tracker]])
        world.started()
        world.answer("t")
        _ = world.said()
        #expect(world.wait == 0)
        world.sleep()
        #expect(world.said() == ["t:scrape"])
        world.count("t", SwarmCounts(seeders: 3, completed: 9, leechers: 1))
        #expect(world.takeEvents().contains(.counted(.init(rawValue: 0), .init(seeders: 3, completed: 9, leechers: 1))))
        #expect(world.wait == 1_800)
    }

    @Test func countsGrowOldBetweenAnnouncesThatAreFarApart() {
        for url in [tracker, "udp://t:1"] {
            var world = ScheduleWorld(urls: [[url]]) { $0.countsInterval = .seconds(900) }
            world.started()
            world.answer(world.open[0].url.host + (url == tracker ? "" : "4")) { ($0.seeders, $0.leechers) = (1, 1) }
            _ = world.said()
            #expect(world.wait == 900)
            world.sleep()
            #expect(world.said() == [url == tracker ? "t:scrape" : "t4:scrape"])
        }
    }

    @Test func theOrderOfAScrapeIsOne() throws {
        var world = ScheduleWorld(urls: [[tracker]])
        world.started()
        world.answer("t")
        world.sleep()
        #expect(world.open[0].fetchURL?.hasPrefix("http://t/scrape?info_hash=") == true)
        var udp = ScheduleWorld(urls: [["udp://t:1"]]) { $0.countsInterval = .seconds(900) }
        udp.started()
        udp.answer("t4")
        udp.sleep()
        #expect(udp.open[0].question == .scrape([torrentHash]))
    }

    @Test func aTrackerThatCannotSayIsLeftAlone() {
        // BEP 48 knows no scrape for such a path.
        var without = ScheduleWorld(urls: [["http://t/x"]])
        without.started()
        without.answer("t")
        #expect(without.wait == 1_800)
        var world = ScheduleWorld(urls: [[tracker]]) { $0.countsInterval = .seconds(300) }
        world.started()
        world.answer("t")
        world.sleep()
        // The first one has no answer, the second is refused.
        world.sleep()
        #expect(world.said().last == "-2")
        world.sleep()
        #expect(world.said() == ["t:scrape"])
        world.fail("t", .status(404))
        #expect(world.wait.map { $0 > 1_000 } == true)
        #expect(world.violations.isEmpty)
    }

    @Test func aScrapeThatHasToWaitIsNotForgotten() {
        var world = ScheduleWorld(urls: [["http://a/announce"], ["http://b/announce"]]) {
            ($0.announcesMax, $0.countsInterval) = (1, .seconds(900))
        }
        world.started()
        for name in ["a", "b"] { world.answer(name) { ($0.seeders, $0.leechers) = (1, 1) } }
        _ = world.said()
        world.sleep(.seconds(900))
        #expect(world.said() == ["a:scrape"])
        world.count("a", SwarmCounts(seeders: 3, completed: 9, leechers: 1))
        world.sleep(.seconds(30))
        #expect(world.said() == ["b:scrape"])
    }

    @Test func theEndCancelsAScrape() {
        var world = ScheduleWorld(urls: [[tracker]])
        world.started()
        world.answer("t")
        world.sleep()
        _ = world.said()
        world.stopped()
        #expect(world.said() == ["-2", "t:stopped"])
        world.answer("t")
        #expect(world.schedule.isFinished && world.schedule.nextDeadline == nil)
    }
}
