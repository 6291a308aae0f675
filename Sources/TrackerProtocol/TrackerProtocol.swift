// Trackers, without a socket: servers that know who shares a torrent (BEP 3), asked over HTTP or UDP.
//
// The way of one announce, from the decision to the peers:
//
//     AnnounceSchedule  decides when which tracker hears what   -> an AnnounceOrder: URL, address family, request
//     HTTPTracker       writes it as a URL to fetch             -> AnnounceReply(http:) reads the body
//     UDPTrackerTransaction  asks for a connection id, then announces, and sends again what got lost
//     AnnounceSchedule  is told the result                      -> when to come back, or whom to try instead
//
// Who is asked: a `TrackerList` of parsed `TrackerURL`s in tiers (BEP 12). `TrackerOrder` says how much of it is asked
// at a time: strictly one after the other, one of each tier, or everybody.
//
// HTTP (BEP 3, 7, 23, 24, 31, 48): a GET whose query holds the request, answered by a bencoded dictionary. Trackers are
// sloppy, so unknown and odd entries count as absent; only broken bencoding is an error.
//
// UDP (BEP 15, 41): packets of fixed layout, big-endian, each exchange named by a random transaction id:
//
//     connect   -> a connection id, good for a minute: shows that we receive at the address we send from
//     announce  -> interval, counts, and peers of 6 or 18 bytes, by the address family of the packet
//     scrape    -> counts only
//     error     <- instead of any reply, with a text
//
// A reply's first byte is 0, which tells it from KRPC (`d`) and from uTP (low half 1) on a shared socket.
//
// What the owner does: resolve names, fetch, send datagrams, decide which addresses may be called (loopback, private
// networks), and pass peers on. Peers with port 0 are dropped here. A private torrent (BEP 27) has nothing but this
// module to find peers with, in the strict order.

/// How much is taken from trackers and their URLs; what exceeds it is refused, or dropped and counted.
package enum TrackerLimits {
    /// A tracker URL; some carry signatures of several hundred bytes.
    package static let urlBytes = 2048
    /// Trackers of one torrent; the rest is dropped and counted.
    package static let trackers = 256
    /// The body of an HTTP reply: room for 2,000 peers written as dictionaries, several times over.
    package static let replyBytes = 1 << 20
    /// Peers kept of one reply; ten times what is asked for.
    package static let peers = 2000
    /// Warnings and failure reasons.
    package static let textBytes = 256
    /// The `tracker id` that is sent back with every announce; a longer one is ignored, as half of it is of no use.
    package static let trackerIDBytes = 256
    /// Torrents of one scrape: what BEP 15 says fits into a packet, and into the URLs that servers accept.
    package static let scrapedTorrents = 74
}
