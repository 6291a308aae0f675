package import Primitives

/// Names one tracker of a torrent: its place among those of its list that are tracker URLs, counted over all tiers.
package struct TrackerID: Hashable, Comparable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static func < (left: TrackerID, right: TrackerID) -> Bool { left.rawValue < right.rawValue }
}

/// How much of a list is asked at a time.
package enum TrackerOrder: Hashable, Sendable {
    /// BEP 12 to the letter: one tracker, and the next only when that one fails, tier after tier; every announce starts
    /// at the top again. What private torrents want, whose trackers count.
    case strict
    /// Every tier by itself follows BEP 12, so one tracker of each is asked.
    ///
    /// Our default. Tiers are meant for trackers that share nothing, so each knows other peers; and whoever waits for
    /// a first peer should not wait for a dead first tier to time out. The trackers of a magnet are a tier each, so all
    /// of them are asked at once.
    case everyTier
    /// All trackers at once, also those of one tier, which should know the same peers.
    case everyTracker
}

/// The trackers of one torrent in their tiers (BEP 12).
package struct TrackerList: Hashable, Sendable {
    /// A text that was no tracker URL; not kept, since it may hold a password or be as long as its torrent.
    package struct Rejection: Hashable, Sendable {
        /// Its place in the list as given, counted over all tiers from 0.
        package let place: Int
        /// What is wrong with it.
        package let error: TrackerURLError
    }

    /// By `TrackerID`.
    package let urls: [TrackerURL]
    /// In the order in which they are asked.
    package private(set) var tiers: [[TrackerID]]
    /// To be told to the user, whose list it is.
    package let rejections: [Rejection]
    /// Trackers beyond `TrackerLimits.trackers`.
    package let droppedTrackers: Int

    /// Parses and shuffles each tier; a URL that was there before is left out.
    package init(tiers texts: [[String]], using generator: inout SeededGenerator) {
        var urls: [TrackerURL] = []
        var seen: Set<TrackerURL> = []
        var tiers: [[TrackerID]] = []
        var rejections: [Rejection] = []
        var dropped = 0
        var place = -1
        for texts in texts {
            var tier: [TrackerID] = []
            for text in texts {
                place += 1
                guard urls.count + rejections.count < TrackerLimits.trackers else {
                    dropped += 1
                    continue
                }
                do throws(TrackerURLError) {
                    let url = try TrackerURL(text)
                    guard seen.insert(url).inserted else { continue }
                    tier.append(TrackerID(rawValue: urls.count))
                    urls.append(url)
                } catch {
                    rejections.append(Rejection(place: place, error: error))
                }
            }
            tier.shuffle(using: &generator)
            if !tier.isEmpty { tiers.append(tier) }
        }
        self.urls = urls
        self.tiers = tiers
        self.rejections = rejections
        droppedTrackers = dropped
    }

    /// The trackers of a magnet, which knows no tiers: each is one.
    package init(magnetTrackers: [String], using generator: inout SeededGenerator) {
        self.init(tiers: magnetTrackers.map { [$0] }, using: &generator)
    }

    /// Where the tracker is.
    package subscript(tracker: TrackerID) -> TrackerURL { urls[tracker.rawValue] }

    /// The tracker has answered: from now on it is asked before the others of its tier.
    package mutating func answered(_ tracker: TrackerID) {
        for tier in tiers.indices {
            guard let place = tiers[tier].firstIndex(of: tracker) else { continue }
            tiers[tier].remove(at: place)
            tiers[tier].insert(tracker, at: 0)
            return
        }
    }

    /// What is asked one after the other, for each of the things that go on at the same time.
    func scopes(of order: TrackerOrder) -> [Scope] {
        switch order {
        case .strict: tiers.isEmpty ? [] : [.all]
        case .everyTier: tiers.indices.map(Scope.tier)
        case .everyTracker: tiers.joined().map(Scope.tracker)
        }
    }

    func trackers(in scope: Scope) -> [TrackerID] {
        switch scope {
        case .all: Array(tiers.joined())
        case .tier(let index): tiers[index]
        case .tracker(let tracker): [tracker]
        }
    }

    /// A part of the list within which one tracker is enough.
    enum Scope: Hashable, Sendable {
        case all
        case tier(Int)
        case tracker(TrackerID)
    }
}
