import Glibc

/// Fetches over HTTP and HTTPS by libcurl, which is opened when the first request comes.
///
/// One thread does all of it, from the first request until `stop`; every method may be called from anywhere. A fetcher
/// that is merely forgotten leaves its thread behind.
package final class HTTPFetcher: Sendable {
    package struct Configuration: Sendable {
        /// Requests that run at once; each has a socket and some 40 KiB.
        ///
        /// Most trackers of a magnet are dead, and the live one should not wait for them.
        package var inFlightMax = 64
        /// Requests to one host that run at once, while others wait.
        package var inFlightPerHostMax = 16
        /// A request that has run this long without a result gives its place to one that waits.
        package var patience: Duration = .seconds(4)
        /// Requests that wait for their turn; more are refused.
        package var waitingMax = 1_024
        /// Connections that are kept for later requests, of those that may be.
        package var keptConnectionsMax = 4
        package var userAgent = "mainline/0.1"
        /// A file of certificates (PEM) to trust instead of the system's.
        package var certificateFile: String?
        /// The first that can be opened is used; what else is on the machine speaks the same interface.
        package var libraries = ["libcurl.so.4", "libcurl-gnutls.so.4"]

        package init() {}
    }

    package struct RequestID: Hashable, Sendable {
        let rawValue: UInt64
    }

    /// Called once for each request, and must not block: all other requests wait meanwhile.
    ///
    /// It is called on the fetcher's thread; only when the system gives no thread, on that of the caller.
    package typealias Completion = @Sendable (Result<HTTPResponse, HTTPError>) -> Void

    private let configuration: Configuration
    private let mailbox: HTTPMailbox

    package init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
        mailbox = HTTPMailbox(waitingMax: configuration.waitingMax)
    }

    /// Takes a request on; every error that shows later is given to `completion`.
    ///
    /// Throws `badRequest`, `queueFull` or `stopped`, and does not call `completion` then.
    @discardableResult
    package func fetch(_ request: HTTPRequest, completion: @escaping Completion) throws(HTTPError) -> RequestID {
        try request.check()
        let (id, needsThread) = try mailbox.put(request, completion: completion)
        if needsThread { startThread() }
        return id
    }

    /// Ends a request with `cancelled`; does nothing to one that has ended.
    package func cancel(_ id: RequestID) {
        mailbox.cancel(id)
    }

    /// Ends all requests with `stopped` and gives the thread back; after it returns no completion is called any more.
    package func stop() async {
        await mailbox.stop()
    }

    private func startThread() {
        let worker = Unmanaged.passRetained(HTTPWorker(configuration: configuration, mailbox: mailbox))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<HTTPWorker>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, worker.toOpaque())
        guard code == 0 else {
            worker.release()
            return mailbox.abandon(.cannotStart(String(cString: strerror(code))))
        }
        pthread_detach(thread)
    }
}
