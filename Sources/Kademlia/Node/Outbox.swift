import KRPC
package import Primitives

/// Which of the node's homes a packet came in at or leaves from: an index into the homes given at birth.
package typealias HomeIndex = Int

/// What the node wants done, in order.
///
/// The caller owns it and reuses its storage from fact to fact.
package struct Outbox: Sendable {
    /// One packet to send: `range` of `bytes`.
    package struct Datagram: Equatable, Sendable {
        package var range: Range<Int>
        package var to: Endpoint
        package var home: HomeIndex

        package init(range: Range<Int>, to: Endpoint, home: HomeIndex) {
            self.range = range
            self.to = to
            self.home = home
        }
    }

    /// The payloads of all datagrams, one after the other.
    package var bytes: [UInt8] = []
    package var datagrams: [Datagram] = []
    package var events: [Event] = []
    /// Kept between replies for its storage: one for each driver instead of one for each node.
    private var content = ReplyContent()

    package init() {}

    package var isEmpty: Bool { datagrams.isEmpty && events.isEmpty }

    /// Forgets everything and keeps the storage.
    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        datagrams.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }

    mutating func finishDatagram(from start: Int, to endpoint: Endpoint, via home: HomeIndex) {
        datagrams.append(Datagram(range: start..<bytes.count, to: endpoint, home: home))
    }

    /// An empty content with the storage of earlier ones.
    mutating func takeReplyContent() -> ReplyContent {
        var content = ReplyContent()
        swap(&content, &self.content)
        content.nodes?.removeAll(keepingCapacity: true)
        content.nodes6?.removeAll(keepingCapacity: true)
        content.values.removeAll(keepingCapacity: true)
        content.token = nil
        content.extra = .none
        return content
    }

    mutating func giveBack(_ content: consuming ReplyContent) {
        self.content = content
    }
}
