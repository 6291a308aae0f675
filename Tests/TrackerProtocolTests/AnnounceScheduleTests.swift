import Primitives
import Testing
import TrackerProtocol

/// One tracker over the life of a torrent.
@Suite struct AnnounceScheduleTests {
    private let refused = TrackerFailure.refused("no", retry: .none)

    @Test func startedCompletedAndStoppedAreSaidOnce() {
        var world = ScheduleWorld(["a"])
        #expect(world.schedule.nextDeadline == nil)
        world.started()
        #expect(world.said() == ["a:started"])
        world.answer("a")
        #expect(world.said() == [] && world.wait == 1800)
        world.sleep()
        #expect(world.said() == ["a:none"])
        world.answer("a")
        world.completed()
        #expect(world.said() == ["a:completed"])
        world.answer("a")
        world.completed()
        world.started()
        world.sleep()
        #expect(world.said() == ["a:none"])
        world.answer("a")
        world.stopped()
        #expect(world.said() == ["a:stopped"] && !world.schedule.isFinished)
        world.answer("a")
        world.stopped()
        #expect(world.said() == [] && world.schedule.isFinished && world.schedule.nextDeadline == nil)
        #expect(world.events.count { $0 == .stopped } == 1)
    }

    @Test func whatATrackerDidNotHearIsSaidAgain() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.fail("a")
        world.sleep()
        #expect(world.said() == ["a:started", "a:started"])
        world.completed()
        world.answer("a")
        #expect(world.said() == ["a:completed"])
        world.fail("a")
        world.sleep()
        #expect(world.said() == ["a:completed"])
        world.answer("a")
        world.sleep()
        #expect(world.said() == ["a:none"])
    }

    @Test func aTorrentThatIsCompleteFromTheStartNeverCompletes() {
        var world = ScheduleWorld(["a"])
        world.completed()
        world.set { $0.totals.left = 0 }
        world.started()
        world.answer("a")
        world.sleep()
        let requests = world.requests()
        #expect(requests.map(\.event) == [.started, .none] && requests.map(\.left) == [0, 0])
    }

    @Test func requestsSayWhatIsKnown() throws {
        var world = ScheduleWorld(["a"])
        world.started()
        let first = try #require(world.requests().first)
        #expect(first.infoHash == torrentHash && first.peerID == ourID && first.port == 6881)
        // BEP 3 has no word for "unknown": one block, as libtorrent says.
        #expect(first.left == 16384 && first.peersWanted == 200 && first.trackerID == nil)
        world.answer("a") { $0.trackerID = [1] }
        world.set {
            $0.totals = AnnounceSchedule.Totals(uploaded: 1, downloaded: 2, left: 3)
            $0.wantsPeers = false
        }
        world.sleep()
        world.answer("a")
        world.set { $0.wantsPeers = true }
        world.stopped()
        let rest = world.requests()
        #expect(rest.map(\.uploaded) == [1, 1] && rest.map(\.downloaded) == [2, 2] && rest.map(\.left) == [3, 3])
        // Enough peers, and no use for them any more.
        #expect(rest.map(\.peersWanted) == [0, 0])
        // A reply without `tracker id` leaves the old one in use.
        #expect(rest.map(\.trackerID) == [[1], [1]] && rest.map(\.key) == [first.key, first.key])
    }

    @Test(arguments: [
        (Int64?.some(1800), Int64?.none, Int64(1800)), (nil, nil, 1800), (900, 1200, 1200), (900, 60, 900),
        (1, nil, 60), (1, 1, 60), (Int64.max, nil, 86400), (nil, 3600, 3600), (60, Int64.max, 86400),
    ])
    func intervalsAreObeyedWithinBounds(interval: Int64?, minInterval: Int64?, wait: Int64) {
        var world = ScheduleWorld(["a"])
        world.started()
        world.answer("a") {
            $0.interval = interval.map { .seconds($0) }
            $0.minInterval = minInterval.map { .seconds($0) }
        }
        #expect(world.wait == wait)
    }

    @Test(arguments: [(Int64?.none, Int64(300)), (900, 900), (30, 60), (7200, 7200)])
    func aStarvedTorrentComesBackAtTheMinimumInterval(minInterval: Int64?, wait: Int64) {
        var world = ScheduleWorld(["a"])
        world.started()
        world.starved()
        world.answer("a") { $0.minInterval = minInterval.map { .seconds($0) } }
        world.starved()
        #expect(world.wait == wait)
        world.sleep(.seconds(wait - 1))
        #expect(world.said() == ["a:started"])
        world.starved()
        world.sleep(.seconds(1))
        #expect(world.said() == ["a:none"])
        world.answer("a")
        world.sleep(.seconds(1000))
        world.starved()
        #expect(world.wait.map { $0 <= 800 } == true)
    }

    @Test func failuresBackOffToAnHourWithJitter() throws {
        var world = ScheduleWorld(["a"])
        world.started()
        for expected in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] as [Int64] {
            world.fail("a")
            let wait = try #require(world.wait)
            #expect((expected * 3 / 4 - 1...expected * 5 / 4).contains(wait))
            world.sleep()
        }
        world.answer("a")
        world.sleep()
        world.fail("a")
        #expect(try #require(world.wait) <= 38)
    }

    @Test func jitterComesFromTheSeed() {
        let waits = { (seed: UInt64) in
            var world = ScheduleWorld(["abc", "d", "E"], seed: seed)
            world.started()
            var waits: [Int64] = []
            for _ in 0..<20 {
                for name in ["a", "b", "c", "d", "e4"] { world.fail(name) }
                waits.append(world.wait ?? 0)
                world.sleep()
            }
            return waits.map(String.init) + world.said()
        }
        #expect(waits(1) == waits(1))
        #expect(waits(1) != waits(2))
    }

    @Test func bep31TheTrackerSaysWhenToComeBack() throws {
        var world = ScheduleWorld(["a"])
        world.started()
        world.fail("a", .refused("busy", retry: .after(.seconds(600))))
        #expect(world.wait == 600)
        world.sleep()
        world.fail("a", .refused("busy", retry: .after(.seconds(1))))
        #expect(try #require(world.wait) >= 60)
        world.sleep()
        world.fail("a", .refused("busy", retry: .after(.seconds(600_000))))
        #expect(world.wait == 86400)
        world.sleep()
        world.fail("a", .refused("no tracker", retry: .never))
        #expect(world.schedule.nextDeadline == nil && world.said().count == 4)
        world.completed()
        world.starved()
        world.stopped()
        #expect(world.said() == [] && world.schedule.isFinished)
    }

    @Test func anAnnounceWithoutResultIsCancelled() {
        var world = ScheduleWorld(["a"])
        world.started()
        #expect(world.wait == 60)
        world.sleep()
        #expect(world.said() == ["a:started", "-1"])
        #expect(world.takeEvents() == [.failed(TrackerID(rawValue: 0), nil, .timedOut)])
        world.sleep()
        #expect(world.said() == ["a:started"])
    }

    @Test func aLateResultIsIgnored() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.sleep()
        world.sleep()
        #expect(world.said() == ["a:started", "-1", "a:started"])
        var outbox = AnnounceSchedule.Outbox()
        let late = AnnounceNumber(rawValue: 1)
        world.set { $0.announced(late, .success(AnnounceReply()), now: .seconds(99), into: &outbox) }
        #expect(outbox == AnnounceSchedule.Outbox())
        world.answer("a")
        #expect(world.wait == 1800)
    }

    @Test func theUserHearsWhatTrackersSay() {
        var world = ScheduleWorld(["a"])
        let tracker = TrackerID(rawValue: 0)
        world.started()
        world.answer("a") {
            $0.peers = peers(3)
            $0.seeders = 1
            $0.leechers = 2
            $0.warning = "hm"
        }
        let answered = AnnounceSchedule.Event.answered(
            tracker, nil, peers: 3, seeders: 1, leechers: 2, next: .seconds(1800))
        #expect(world.takeEvents() == [answered, .warning(tracker, "hm")])
        world.sleep()
        world.fail("a", refused)
        #expect(world.takeEvents() == [.failed(tracker, nil, refused)])
    }

    @Test func stoppingIsBoundedInTime() {
        var world = ScheduleWorld(["a", "b", "c"])
        world.started()
        world.answer("a")
        world.answer("b")
        #expect(world.said() == ["a:started", "b:started", "c:started"])
        world.sleep(.seconds(10))
        world.stopped()
        // Nobody at c has heard of us.
        #expect(world.said() == ["a:stopped", "b:stopped", "-3"] && world.wait == 5)
        world.fail("a")
        #expect(!world.schedule.isFinished && world.said() == [])
        world.sleep()
        #expect(world.said() == ["-5"] && world.schedule.isFinished && world.seconds == 15)
        #expect(world.events.last == .stopped)
    }

    @Test func stoppingInTheMiddleOfAnAnnounceSaysStoppedAllTheSame() {
        var world = ScheduleWorld(["a"])
        world.started()
        world.answer("a")
        world.sleep()
        world.stopped()
        #expect(world.said() == ["a:started", "a:none", "-2", "a:stopped"])
        world.answer("a")
        #expect(world.schedule.isFinished)
    }

    @Test func withoutTrackersItEndsAtOnce() {
        var world = ScheduleWorld([])
        world.started()
        world.completed()
        #expect(world.said() == [] && world.schedule.nextDeadline == nil)
        world.stopped()
        #expect(world.schedule.isFinished && world.events == [.stopped])
    }

    @Test func stoppedBeforeItStartedItSaysNothing() {
        var world = ScheduleWorld(["a"])
        world.stopped()
        world.started()
        #expect(world.said() == [] && world.schedule.isFinished)
    }
}
