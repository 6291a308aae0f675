import CShims
import Primitives
import Synchronization

/// What the callers of a fetcher and its thread share.
final class HTTPMailbox: Sendable {
    struct Order: Sendable {
        let id: HTTPFetcher.RequestID
        let request: HTTPRequest
        let completion: HTTPFetcher.Completion
        /// When it has waited too long for its start.
        let deadline: Instant
        let host: String
        /// What the request has come to, where names are not resolved by libcurl.
        var course = HTTPCourse()
    }

    /// What the thread is to do before it waits again.
    struct Turn: Sendable {
        var isStopped = false
        var starting: [Order] = []
        /// Names that were looked up for requests under way.
        var resolved: [(id: HTTPFetcher.RequestID, result: Result<[Endpoint], HTTPError>)] = []
        /// Ended before they have started.
        var dropped: [(order: Order, error: HTTPError)] = []
        /// Those that wait no more and have not ended.
        var cancelled: Set<HTTPFetcher.RequestID> = []
        /// When the next of those that wait is over.
        var nextDeadline: Instant?
        /// Some wait only because all places are taken.
        var lacksRoom = false
    }

    /// A loop that may be woken from any thread.
    private struct Bell: @unchecked Sendable {  // `mainline_http_wake` is made for it, and nothing else is called
        let loop: OpaquePointer
    }

    private struct State {
        var waiting: [Order] = []
        var resolved: [(id: HTTPFetcher.RequestID, result: Result<[Endpoint], HTTPError>)] = []
        var cancelled: Set<HTTPFetcher.RequestID> = []
        /// All that have not ended: waiting or in flight.
        var live: Set<HTTPFetcher.RequestID> = []
        var count: UInt64 = 0
        var hasThread = false
        var isStopped = false
        var bell: Bell?
        var stopping: [CheckedContinuation<Void, Never>] = []

        func ring() {
            if let bell { mainline_http_wake(bell.loop) }
        }
    }

    private let waitingMax: Int
    private let state = Mutex(State())

    init(waitingMax: Int) {
        self.waitingMax = waitingMax
    }

    // MARK: For callers

    /// Returns whether there is no thread yet to take the request.
    func put(_ request: HTTPRequest, completion: @escaping HTTPFetcher.Completion) throws(HTTPError)
        -> (HTTPFetcher.RequestID, needsThread: Bool)
    {
        let deadline = LoopTimer.now + request.totalTimeout
        let host = request.hostKey
        let result = state.withLock { state -> Result<(HTTPFetcher.RequestID, Bool), HTTPError> in
            guard !state.isStopped else { return .failure(.stopped) }
            guard state.waiting.count < waitingMax else { return .failure(.queueFull(max: waitingMax)) }
            state.count += 1
            let id = HTTPFetcher.RequestID(rawValue: state.count)
            state.waiting.append(
                Order(id: id, request: request, completion: completion, deadline: deadline, host: host))
            state.live.insert(id)
            defer { state.hasThread = true }
            state.ring()
            return .success((id, !state.hasThread))
        }
        return try result.get()
    }

    func cancel(_ id: HTTPFetcher.RequestID) {
        state.withLock { state in
            guard state.live.contains(id) else { return }
            state.cancelled.insert(id)
            state.ring()
        }
    }

    /// The name that a request waits for was looked up.
    func resolved(_ id: HTTPFetcher.RequestID, _ result: Result<[Endpoint], HTTPError>) {
        state.withLock { state in
            guard state.live.contains(id) else { return }
            state.resolved.append((id, result))
            state.ring()
        }
    }

    func stop() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.isStopped = true
                guard state.hasThread else { return true }
                state.stopping.append(continuation)
                state.ring()
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: For the thread

    /// From here on the loop is woken when there is something to do.
    func attach(_ loop: OpaquePointer) {
        let bell = Bell(loop: loop)
        state.withLock { $0.bell = bell }
    }

    /// Nobody wakes the loop any more: it can be closed.
    func detach() {
        state.withLock { $0.bell = nil }
    }

    /// Hands out what there is to do, with at most `room` requests to start, and `perHostMax` beside those `running`.
    func take(room: Int, running: [String: Int], perHostMax: Int) -> Turn {
        let now = LoopTimer.now
        return state.withLock { state in
            var turn = Turn()
            var running = running
            turn.isStopped = state.isStopped
            turn.resolved = state.resolved
            state.resolved = []
            turn.cancelled = state.cancelled
            state.cancelled = []
            var left: [Order] = []
            for order in state.waiting {
                if turn.isStopped {
                    turn.dropped.append((order, .stopped))
                } else if turn.cancelled.remove(order.id) != nil {
                    turn.dropped.append((order, .cancelled))
                } else if order.deadline <= now {
                    turn.dropped.append((order, .timedOut("no turn for \(order.request.totalTimeout.inSeconds) s")))
                } else if running[order.host, default: 0] >= perHostMax {
                    left.append(order)
                } else if turn.starting.count < room {
                    turn.starting.append(order)
                    running[order.host, default: 0] += 1
                } else {
                    turn.lacksRoom = true
                    left.append(order)
                }
            }
            state.waiting = left
            turn.nextDeadline = left.lazy.map(\.deadline).min()
            return turn
        }
    }

    func end(_ order: Order, _ result: Result<HTTPResponse, HTTPError>) {
        state.withLock { state in
            state.live.remove(order.id)
            state.cancelled.remove(order.id)
        }
        order.completion(result)
    }

    /// Ends all that wait, and the thread's service with them; a later request wants a new thread.
    func abandon(_ error: HTTPError) {
        while true {
            let orders = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting.map { ($0, state.isStopped ? .stopped : error) }
            }
            for (order, error) in orders { end(order, .failure(error)) }
            let stopping = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                guard state.waiting.isEmpty else { return nil }
                // Only now, so that `stop` does not return before the last completion has been called.
                state.hasThread = false
                defer { state.stopping = [] }
                return state.stopping
            }
            if let stopping { return stopping.forEach { $0.resume() } }
        }
    }
}
