package import Primitives

/// Names one announce, so that a late result is not taken for that of the next one; never reused by a schedule.
package struct AnnounceNumber: Hashable, Comparable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static func < (left: AnnounceNumber, right: AnnounceNumber) -> Bool { left.rawValue < right.rawValue }
}

/// An announce to be made now, over HTTP or UDP as the scheme of `url` says.
package struct AnnounceOrder: Hashable, Sendable {
    /// What the result has to be reported with.
    package let number: AnnounceNumber
    /// Who is asked, for events and logs.
    package let tracker: TrackerID
    /// Where the tracker is; of its kind depends how the announce is made.
    package let url: TrackerURL
    /// The address family to use for it; nil leaves the choice to whoever connects.
    package let family: Endpoint.Family?
    /// What the tracker is told.
    package let request: AnnounceRequest
    /// Only the counts are wanted (BEP 48); the result goes to `scraped`.
    package var isScrape = false

    /// What to fetch; nil for a UDP tracker.
    package var fetchURL: String? {
        if isScrape { return HTTPTracker.scrapeURL(url, [request.infoHash]) }
        return url.scheme == .udp ? nil : HTTPTracker.announceURL(url, request)
    }

    /// What a `UDPTrackerTransaction` is to ask; nil for an HTTP tracker.
    package var question: UDPTrackerTransaction.Question? {
        guard url.scheme == .udp else { return nil }
        return isScrape ? .scrape([request.infoHash]) : .announce(request, urlData: Array(url.target.utf8))
    }
}

extension AnnounceSchedule {
    /// What the owner has to do.
    package enum Action: Hashable, Sendable {
        /// To be answered by `announced`, or `scraped`, with its number, unless it is cancelled.
        case announce(AnnounceOrder)
        /// The result no longer matters: stop fetching or sending.
        case cancel(AnnounceNumber)
    }

    /// What a person may want to know.
    package enum Event: Hashable, Sendable {
        /// `next` is when the tracker expects us again.
        case answered(TrackerID, Endpoint.Family?, peers: Int, seeders: Int?, leechers: Int?, next: Instant)
        /// The answer to a scrape.
        case counted(TrackerID, SwarmCounts)
        /// Text from the network, not escaped.
        case warning(TrackerID, String)
        case failed(TrackerID, Endpoint.Family?, TrackerFailure)
        /// All trackers that know us have heard of our end, or had their time to; said once.
        case stopped
    }

    /// Where the schedule writes; owned by the caller and reused.
    ///
    /// Carry out `actions` in order, report `events`, then `clear()`.
    package struct Outbox: Hashable, Sendable {
        /// To be carried out in order.
        package var actions: [Action] = []
        /// To be told to whoever listens.
        package var events: [Event] = []

        package init() {}

        /// Forgets everything and keeps the storage.
        package mutating func clear() {
            actions.removeAll(keepingCapacity: true)
            events.removeAll(keepingCapacity: true)
        }
    }
}
