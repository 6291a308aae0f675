package import Primitives

extension AnnounceSchedule {
    /// Intervals and limits of one torrent's announces.
    package struct Configuration: Hashable, Sendable {
        /// How much of the list is asked at a time.
        package var order = TrackerOrder.everyTier
        /// Announces at the same time; further ones wait for an answer or a failure.
        ///
        /// A magnet with a hundred dead trackers should cost neither a hundred sockets nor the minute that it takes to
        /// see that the first half is dead.
        package var announcesMax = 64
        /// Peers asked for, as libtorrent does; public trackers cut it down to what they like.
        package var peersWanted = 200
        /// Announce to HTTP trackers once per address family, as BEP 7 wants for hosts with both.
        ///
        /// Off, because an HTTP library takes whichever family answers first and needs no second fetch; the price is
        /// that peers of the other family do not learn of us there.
        package var splitsHTTPByFamily = false

        /// Where a tracker says nothing.
        package var intervalDefault: Duration = .seconds(30 * 60)
        /// What a tracker says is never taken for less: it could be made to flood another.
        package var intervalMin: Duration = .seconds(60)
        /// Nor for more: after a day without us, nobody would know us.
        package var intervalMax: Duration = .seconds(24 * 60 * 60)
        /// How soon to come back when peers are needed, where a tracker does not say `min interval`; as libtorrent.
        package var earlyIntervalDefault: Duration = .seconds(5 * 60)
        /// How old the counts of a swarm may grow before a scrape renews them (BEP 48); nil asks only where an announce
        /// gave none.
        package var countsInterval: Duration? = .seconds(15 * 60)
        /// The pause after the first failure; it doubles up to `retryMax` and is spread by a quarter to either side.
        package var retryMin: Duration = .seconds(30)
        /// The longest pause after failures; also that of a family that the host has no address of.
        package var retryMax: Duration = .seconds(60 * 60)

        /// An announce without an answer after this long keeps no other waiting: the next tracker of its tier is asked,
        /// and it does not count for `announcesMax` any more.
        ///
        /// Its answer still counts. Trackers that work answer within a second.
        package var slowTime: Duration = .seconds(4)
        /// An announce without result after this long is cancelled: longer than a UDP transaction takes to give up.
        package var announceTimeout: Duration = .seconds(60)
        /// The same for the last announce, which holds up the end of the program.
        package var stopTimeout: Duration = .seconds(5)

        package init() {}
    }

    /// What does not change while the torrent runs.
    package struct Identity: Hashable, Sendable {
        /// The torrent.
        package var infoHash: InfoHash
        /// The 20 bytes that we call ourselves to peers.
        package var peerID: ID160
        /// The TCP port on which we take connections.
        package var port: UInt16
        /// The families that we have an address of; UDP trackers are told of each from there (BEP 15).
        package var families: [Endpoint.Family]

        package init(infoHash: InfoHash, peerID: ID160, port: UInt16, families: [Endpoint.Family] = [.v4]) {
            self.infoHash = infoHash
            self.peerID = peerID
            self.port = port
            self.families = families
        }
    }

    /// What was transferred so far; the owner keeps it up to date, and announces say what it holds.
    package struct Totals: Hashable, Sendable {
        /// Payload bytes since the start.
        package var uploaded: Int64 = 0
        /// Payload bytes since the start, also those that failed their hash.
        package var downloaded: Int64 = 0
        /// Bytes still missing; nil while the size is unknown.
        package var left: Int64?

        package init(uploaded: Int64 = 0, downloaded: Int64 = 0, left: Int64? = nil) {
            self.uploaded = uploaded
            self.downloaded = downloaded
            self.left = left
        }
    }
}
