import Primitives
import Testing
import TrackerProtocol

/// The tiers of BEP 12.
@Suite struct TrackerListTests {
    private func list(_ tiers: [[String]], seed: UInt64 = 1) -> TrackerList {
        var generator = SeededGenerator(number: seed)
        return TrackerList(tiers: tiers, using: &generator)
    }

    private func ids(_ numbers: Int...) -> [TrackerID] { numbers.map { TrackerID(rawValue: $0) } }

    @Test func idsAreThePlacesInTheListAsGiven() throws {
        let list = list([["http://a/"], ["http://b/", "http://c/"]])
        #expect(list.urls.map(\.host) == ["a", "b", "c"])
        #expect(list.tiers.count == 2 && list.tiers[0] == ids(0) && list.tiers[1].sorted() == ids(1, 2))
        #expect(list[TrackerID(rawValue: 2)].host == "c")
    }

    @Test func tiersAreShuffledAtBirthBySeed() {
        let tier = (0..<20).map { "http://t\($0)/" }
        #expect(list([tier], seed: 1) == list([tier], seed: 1))
        #expect(list([tier], seed: 1).tiers != list([tier], seed: 2).tiers)
        #expect(list([tier], seed: 3).tiers[0].sorted() == (0..<20).map { TrackerID(rawValue: $0) })
    }

    @Test func aTrackerThatAnsweredMovesToTheFrontOfItsTierOnly() {
        var list = list([["http://a/"], ["http://b/", "http://c/", "http://d/"]])
        let before = list.tiers[1]
        list.answered(before[2])
        #expect(list.tiers == [ids(0), [before[2], before[0], before[1]]])
        list.answered(before[0])
        #expect(list.tiers == [ids(0), [before[0], before[2], before[1]]])
        list.answered(TrackerID(rawValue: 99))
        #expect(list.tiers == [ids(0), [before[0], before[2], before[1]]])
    }

    @Test func whatIsNoURLIsRejectedAndWhatWasThereLeftOut() {
        let list = list([["wss://a", "http://b/"], [], ["HTTP://B:80/", "http://b/x"], ["nonsense"]])
        #expect(list.urls.map(\.text) == ["http://b/", "http://b/x"])
        #expect(list.tiers == [ids(0), ids(1)])
        #expect(list.rejections.map(\.place) == [0, 4])
        #expect(list.rejections.map(\.error) == [.unknownScheme("wss"), .missingScheme])
    }

    @Test func aMagnetsTrackersAreATierEach() {
        var generator = SeededGenerator(number: 1)
        let list = TrackerList(magnetTrackers: ["http://a/", "udp://b:1"], using: &generator)
        #expect(list.tiers == [ids(0), ids(1)])
    }

    @Test func trackersBeyondTheLimitAreDroppedAndCounted() {
        let list = list([(0..<300).map { $0 % 2 == 0 ? "http://t\($0)/" : "ftp://t\($0)/" }])
        #expect(list.urls.count + list.rejections.count == TrackerLimits.trackers && list.droppedTrackers == 44)
    }
}
