package import Primitives

/// One announce or scrape at one address of a UDP tracker (BEP 15): connect, then ask, each sent again until answered.
///
/// The owner sends what `.send` holds to the tracker's endpoint, passes on packets that come from exactly there, and
/// arms a timer for `nextDeadline`. To cancel, it forgets the value.
package struct UDPTrackerTransaction: Sendable {
    /// What is asked once there is a connection id.
    package enum Question: Hashable, Sendable {
        case announce(AnnounceRequest, urlData: [UInt8])
        case scrape([InfoHash])
    }

    /// What came of the question.
    package enum Answer: Hashable, Sendable {
        case announce(AnnounceReply)
        case scrape([SwarmCounts])
    }

    /// What the owner has to do.
    package enum Output: Hashable, Sendable {
        case send([UInt8])
        /// Said once; the transaction is over.
        case finished(Result<Answer, TrackerFailure>)
    }

    /// How long to wait before a packet is sent again.
    package struct Retransmission: Hashable, Sendable {
        /// The wait after the first packet; it doubles with each further one.
        package var firstTimeout: Duration
        /// Packets without an answer after which the transaction fails; at most 16.
        package var sendsMax: Int

        package init(firstTimeout: Duration, sendsMax: Int) {
            self.firstTimeout = firstTimeout
            self.sendsMax = min(max(sendsMax, 1), 16)
        }

        /// 15 s x 2^n for n up to 8 (BEP 15): gives up after two hours, as a client that nobody waits for may.
        package static let patient = Retransmission(firstTimeout: .seconds(15), sendsMax: 9)
        /// 3, 6, 12 and 24 s, then failure after 45 s.
        ///
        /// An announce is two exchanges: where 2 % of packets get lost, one announce in 13 would spend BEP 15's 15
        /// seconds on a packet that is gone, while somebody watches. Three seconds is what TCP waited for its first
        /// reply (RFC 1122) and far above any round trip. A dead tracker is spared all the same: four packets, then the
        /// schedule's backoff of up to an hour.
        package static let interactive = Retransmission(firstTimeout: .seconds(3), sendsMax: 4)
    }

    /// The number that the next answer has to carry; changes when the connection is there.
    package private(set) var transactionID: UInt32
    /// The connection id in use: for the next transaction with this tracker.
    package private(set) var connection: UDPConnection?
    /// When `timedOut` is to be called; nil before the start and after the end.
    package private(set) var nextDeadline: Instant?
    private let question: Question
    private let family: Endpoint.Family
    private let retransmission: Retransmission
    private var state: State
    /// Packets sent since the last answer that counted.
    private var sends = 0
    private var generator: SeededGenerator

    private enum State {
        /// Becomes `asking` or `finished`.
        case connecting
        /// Becomes `connecting` when the connection id is too old or refused, else `finished`.
        case asking(connectionIsOurs: Bool)
        case finished
    }

    /// `family` is that of the tracker's address; `connection`, what an earlier transaction with it left.
    package init(
        _ question: Question, family: Endpoint.Family, connection: UDPConnection? = nil,
        retransmission: Retransmission = .interactive, generator: SeededGenerator
    ) {
        var generator = generator
        self.question = question
        self.family = family
        self.connection = connection
        self.retransmission = retransmission
        transactionID = UInt32(truncatingIfNeeded: generator.next())
        self.generator = generator
        state = connection == nil ? .connecting : .asking(connectionIsOurs: false)
    }

    /// The first packet; to be called once.
    package mutating func start(now: Instant) -> Output {
        send(now: now)
    }

    /// Nil if the packet is not the answer that is waited for.
    package mutating func received(_ bytes: RawSpan, now: Instant) -> Output? {
        guard let reply = UDPTrackerReply(bytes, family: family), reply.transaction == transactionID else { return nil }
        switch (state, reply.body, question) {
        case (.finished, _, _):
            return nil
        case (.connecting, .connect(let id), _):
            // Only the first connection starts the clock anew: else a tracker that answers nothing but connects would
            // keep us for ever.
            if connection == nil { sends = 0 }
            connection = UDPConnection(id: id, receivedAt: now)
            enter(.asking(connectionIsOurs: true))
            return send(now: now)
        case (.asking(connectionIsOurs: false), .error, _):
            // Most likely the tracker has forgotten the connection of an earlier transaction.
            connection = nil
            sends = 0
            enter(.connecting)
            return send(now: now)
        case (_, .error(let text), _):
            return finish(.failure(.refused(text, retry: .none)))
        case (.asking, .announce(let reply), .announce):
            return finish(.success(.announce(reply)))
        case (.asking, .scrape(let counts), .scrape):
            return finish(.success(.scrape(counts)))
        default:
            return nil
        }
    }

    /// Sends again what is not answered, or gives up.
    package mutating func timedOut(now: Instant) -> Output? {
        guard let deadline = nextDeadline, now >= deadline else { return nil }
        guard sends < retransmission.sendsMax else { return finish(.failure(.timedOut)) }
        return send(now: now)
    }

    private mutating func send(now: Instant) -> Output {
        if case .asking = state, connection?.isUsable(now: now) != true { enter(.connecting) }
        nextDeadline = now + retransmission.firstTimeout * (1 << min(sends, 16))
        sends += 1
        return .send(request.encoded(transaction: transactionID))
    }

    private var request: UDPTrackerRequest {
        guard case .asking = state, let connection else { return .connect }
        return switch question {
        case .announce(let request, let urlData):
            .announce(connection: connection.id, request, urlData: urlData)
        case .scrape(let infoHashes): .scrape(connection: connection.id, infoHashes)
        }
    }

    /// Retransmissions keep their number, so that a late answer to the first one counts.
    private mutating func enter(_ next: State) {
        state = next
        transactionID = UInt32(truncatingIfNeeded: generator.next())
    }

    private mutating func finish(_ result: Result<Answer, TrackerFailure>) -> Output {
        state = .finished
        nextDeadline = nil
        return .finished(result)
    }
}
