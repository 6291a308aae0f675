import CShims
import Primitives

/// The thread of a fetcher: libcurl's loop and the transfers in it.
final class HTTPWorker {
    /// How long the thread sleeps when nothing is to be done; whoever has something wakes it.
    private static let sleepMax = Duration.seconds(60)

    private let configuration: HTTPFetcher.Configuration
    private let mailbox: HTTPMailbox
    private var transfers: [HTTPFetcher.RequestID: HTTPTransfer] = [:]

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
            let turn = mailbox.take(
                room: configuration.inFlightMax - transfers.count,
                running: Dictionary(transfers.values.map { ($0.order.host, 1) }, uniquingKeysWith: +),
                perHostMax: configuration.inFlightPerHostMax)
            for (order, error) in turn.dropped { mailbox.end(order, .failure(error)) }
            if turn.isStopped { return .stopped }
            var hasEnded = false
            for id in turn.cancelled {
                guard let transfer = transfers[id] else { continue }
                end(transfer, .failure(.cancelled))
                hasEnded = true
            }
            for order in turn.starting { start(order, on: loop) }
            guard mainline_http_run(loop) else { return .cannotStart("libcurl's loop failed") }
            if endFinished(loop) { hasEnded = true }
            if turn.lacksRoom, transfers.count < configuration.inFlightMax || endSlow() { hasEnded = true }
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
            end(transfer, transfer.result(code: code))
        }
        return transfers.count < count
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
