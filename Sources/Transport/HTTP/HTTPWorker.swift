import CShims
import Primitives

/// The thread of a fetcher: libcurl's loop and the transfers in it.
final class HTTPWorker {
    /// How long the thread sleeps when nothing is to be done; whoever has something wakes it.
    private static let sleepMax = Duration.seconds(60)

    /// For one name, within the time of the request.
    private static let lookUpLimit = Duration.seconds(10)

    private let configuration: HTTPFetcher.Configuration
    private let mailbox: HTTPMailbox
    private var transfers: [HTTPFetcher.RequestID: HTTPTransfer] = [:]
    /// Requests that wait for the addresses of a name; they keep their places.
    private var resolving: [HTTPFetcher.RequestID: (order: HTTPMailbox.Order, question: HTTPCourse.Question)] = [:]
    private var places: Int { configuration.inFlightMax - transfers.count - resolving.count }

    init(configuration: HTTPFetcher.Configuration, mailbox: HTTPMailbox) {
        self.configuration = configuration
        self.mailbox = mailbox
    }

    /// Returns when the fetcher is stopped, or cannot work.
    func run() {
        mainline_http_block_pipe_signal()
        do throws(HTTPError) {
            let loop = try makeLoop()
            mailbox.attach(loop)
            let error = serve(loop)
            mailbox.detach()
            for transfer in transfers.values { end(transfer, .failure(error)) }
            for waiting in resolving.values { mailbox.end(waiting.order, .failure(error)) }
            resolving = [:]
            mainline_http_loop_close(loop)
            mailbox.abandon(error)
        } catch {
            mailbox.abandon(error)
        }
    }

    private func makeLoop() throws(HTTPError) -> OpaquePointer {
        guard let loop = mainline_http_loop_make(try openLibrary(), configuration.keptConnectionsMax) else {
            throw .cannotStart("no memory")
        }
        return loop
    }

    private func openLibrary() throws(HTTPError) -> OpaquePointer {
        var reasons: [String] = []
        for file in configuration.libraries {
            var reason = [CChar](repeating: 0, count: 256)
            if let library = mainline_http_open(file, &reason, reason.count) { return library }
            reasons.append(reason.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
        }
        throw .libraryMissing(reasons.joined(separator: "; "))
    }

    /// Works until it is told to stop, or libcurl fails altogether; returns what that means for all requests.
    private func serve(_ loop: OpaquePointer) -> HTTPError {
        while true {
            let running = transfers.values.map(\.order.host) + resolving.values.map(\.order.host)
            let turn = mailbox.take(
                room: places, running: Dictionary(running.map { ($0, 1) }, uniquingKeysWith: +),
                perHostMax: configuration.inFlightPerHostMax)
            for (order, error) in turn.dropped { mailbox.end(order, .failure(error)) }
            if turn.isStopped { return .stopped }
            var hasEnded = false
            for id in turn.cancelled {
                if let transfer = transfers[id] {
                    end(transfer, .failure(.cancelled))
                    hasEnded = true
                }
                if let waiting = resolving.removeValue(forKey: id) {
                    mailbox.end(waiting.order, .failure(.cancelled))
                    hasEnded = true
                }
            }
            for answer in turn.resolved { resolved(answer.id, answer.result, on: loop) }
            for order in turn.starting { start(order, on: loop) }
            guard mainline_http_run(loop) else { return .cannotStart("libcurl's loop failed") }
            if endFinished(loop) { hasEnded = true }
            if turn.lacksRoom, places > 0 || endSlow() { hasEnded = true }
            var sleep = Self.sleepMax
            if let deadline = turn.nextDeadline {
                // What ended in this turn has left its place to one that waits.
                if hasEnded { continue }
                sleep = min(sleep, deadline - LoopTimer.now)
            }
            if turn.lacksRoom, let patience { sleep = min(sleep, patience - LoopTimer.now) }
            guard mainline_http_wait(loop, max(sleep, .zero).wholeMilliseconds) else {
                return .cannotStart("libcurl cannot wait")
            }
        }
    }

    private func start(_ order: HTTPMailbox.Order, on loop: OpaquePointer) {
        do throws(HTTPError) {
            let transfer = try HTTPTransfer(order, on: loop, configuration)
            transfers[order.id] = transfer
            try transfer.start()
        } catch {
            transfers.removeValue(forKey: order.id)?.close()
            mailbox.end(order, .failure(error))
        }
    }

    /// Returns whether any had ended.
    private func endFinished(_ loop: OpaquePointer) -> Bool {
        var code: CInt = 0
        let count = transfers.count
        while let context = mainline_http_next_ended(loop, &code) {
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            if code != 0, let question = transfer.question {
                resolve(question, for: transfer)
            } else {
                end(transfer, transfer.result(code: code))
            }
        }
        return transfers.count < count
    }

    // MARK: Names that libcurl must not look up

    private func resolve(_ question: HTTPCourse.Question, for transfer: HTTPTransfer) {
        let order = transfer.order
        transfers[order.id] = nil
        transfer.close()
        resolving[order.id] = (order, question)
        let limit = min(order.request.totalTimeout, Self.lookUpLimit)
        Self.lookUp(question, for: order.id, order.request.names, within: limit, telling: mailbox)
    }

    private static func lookUp(
        _ question: HTTPCourse.Question, for id: HTTPFetcher.RequestID, _ names: NameResolver, within limit: Duration,
        telling mailbox: HTTPMailbox
    ) {
        Task {
            let result: Result<[Endpoint], HTTPError>
            do {
                result = .success(try await names.resolve(host: question.host, port: question.port, within: limit))
            } catch {
                result = .failure(.cannotResolve("\(error)"))
            }
            mailbox.resolved(id, result)
        }
    }

    private func resolved(
        _ id: HTTPFetcher.RequestID, _ result: Result<[Endpoint], HTTPError>, on loop: OpaquePointer
    ) {
        guard let (waiting, question) = resolving.removeValue(forKey: id) else { return }
        var order = waiting
        switch result {
        case .success(let endpoints):
            order.course.answered(question, by: endpoints)
            start(order, on: loop)
        case .failure(let error):
            mailbox.end(order, .failure(error))
        }
    }

    /// When the oldest transfer has had its time.
    private var patience: Instant? { transfers.values.map(\.startedAt).min().map { $0 + configuration.patience } }

    /// Ends the oldest transfer, if it has had its time while others wait.
    private func endSlow() -> Bool {
        guard let patience, patience <= LoopTimer.now,
            let slowest = transfers.values.min(by: { $0.startedAt < $1.startedAt })
        else { return false }
        end(slowest, .failure(.timedOut("no answer for \(configuration.patience.inSeconds) s, and others waited")))
        return true
    }

    private func end(_ transfer: HTTPTransfer, _ result: Result<HTTPResponse, HTTPError>) {
        transfers[transfer.order.id] = nil
        transfer.close()
        mailbox.end(transfer.order, result)
    }
}

extension Duration {
    /// Rounded up, so that a wait for a deadline does not end just before it.
    var wholeMilliseconds: CInt {
        CInt(clamping: wholeNanoseconds / 1_000_000 + 1)
    }
}
