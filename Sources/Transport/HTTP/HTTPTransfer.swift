import CShims
import Primitives

/// One request on its way, on the thread of its fetcher.
final class HTTPTransfer {
    let order: HTTPMailbox.Order
    let startedAt = LoopTimer.now
    private var handle: OpaquePointer?
    private var body: [UInt8] = []
    private var isTooLarge = false
    /// The last address that the policy did not allow.
    private var refused: Endpoint?

    private var request: HTTPRequest { order.request }

    init(_ order: HTTPMailbox.Order, on loop: OpaquePointer, _ configuration: HTTPFetcher.Configuration)
        throws(HTTPError)
    {
        self.order = order
        let listener = mainline_http_listener(
            context: Unmanaged.passUnretained(self).toOpaque(),
            allows: { context, address, family, host, path, redirects in
                guard let context, let address, let host, let path else { return false }
                return Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue().allows(
                    Endpoint(address, family: family), host: String(cString: host), path: String(cString: path),
                    isRedirected: redirects > 0)
            },
            received: { context, bytes, count in
                guard let context, let bytes else { return false }
                return Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue().received(
                    UnsafeBufferPointer(start: bytes, count: count))
            })
        handle = mainline_http_make(loop, listener, Int64(clamping: request.bodyBytesMax))
        guard let handle else { throw .cannotStart("no memory") }
        set(handle, configuration)
    }

    private func set(_ handle: OpaquePointer, _ configuration: HTTPFetcher.Configuration) {
        let route = request.route
        mainline_http_set_text(handle, MAINLINE_HTTP_URL, order.course.url ?? request.url)
        mainline_http_set_text(handle, MAINLINE_HTTP_USER_AGENT, configuration.userAgent)
        mainline_http_set_text(handle, MAINLINE_HTTP_PROXY, route.proxy ?? "")
        if let source = route.sourceAddress { mainline_http_set_source(handle, source.forSystemCalls) }
        if let device = route.device { mainline_http_set_device(handle, device) }
        if let file = configuration.certificateFile { mainline_http_set_text(handle, MAINLINE_HTTP_CERTIFICATES, file) }
        // A proxy looks names up itself.
        if request.names != .system, route.proxy == nil { mainline_http_refuse_names(handle) }
        for entry in order.course.entries { mainline_http_know_name(handle, entry) }
        let family =
            switch route.usedFamily {
            case nil: 0
            case .v4: 1
            case .v6: 2
            }
        mainline_http_set_number(handle, MAINLINE_HTTP_FAMILY, family)
        mainline_http_set_number(
            handle, MAINLINE_HTTP_REDIRECTS_MAX, max(0, request.redirectsMax - order.course.redirects))
        mainline_http_set_number(handle, MAINLINE_HTTP_VERIFIES_PEER, request.verifiesTLS ? 1 : 0)
        mainline_http_set_number(handle, MAINLINE_HTTP_VERIFIES_HOST, request.verifiesTLS ? 2 : 0)
        mainline_http_set_number(handle, MAINLINE_HTTP_CLOSES_CONNECTION, request.keepsConnection ? 0 : 1)
        mainline_http_set_number(
            handle, MAINLINE_HTTP_CONNECT_TIMEOUT_MS, Int(request.connectTimeout.wholeMilliseconds))
        mainline_http_set_number(handle, MAINLINE_HTTP_TOTAL_TIMEOUT_MS, Int(request.totalTimeout.wholeMilliseconds))
    }

    func start() throws(HTTPError) {
        guard let handle else { return }
        let code = mainline_http_start(handle)
        guard code == 0 else {
            throw HTTPError(code: code, outcome: mainline_http_describe(handle, code), of: request, refused: nil)
        }
    }

    /// Must be called before the transfer is forgotten: libcurl knows where it lies.
    func close() {
        if let handle { mainline_http_close(handle) }
        handle = nil
    }

    // MARK: While it runs

    private func allows(_ connected: Endpoint?, host: String, path: String, isRedirected: Bool) -> Bool {
        guard let connected else { return false }
        let host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        var address = connected
        if request.route.proxy != nil {
            // The connection is the proxy's. What it resolves for us we never see; what needs no resolver we do.
            guard let target = Endpoint(host: host, port: 0) ?? Self.loopback(host) else { return true }
            address = target
        }
        let isAllowed = request.policy.allows(
            HTTPHop(
                address: address, host: host, path: path, isRedirected: isRedirected || order.course.redirects > 0))
        if !isAllowed { refused = address }
        return isAllowed
    }

    /// The names of RFC 6761 that mean the machine itself everywhere.
    private static func loopback(_ host: String) -> Endpoint? {
        let name = host.lowercased()
        let trimmed = name.hasSuffix(".") ? name.dropLast() : name[...]
        return trimmed == "localhost" || trimmed.hasSuffix(".localhost") ? .v4(127, 0, 0, 1, port: 0) : nil
    }

    private func received(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        isTooLarge = bytes.count > request.bodyBytesMax - body.count
        if !isTooLarge { body.append(contentsOf: bytes) }
        return !isTooLarge
    }

    // MARK: In the end

    /// The name that is missing, if that is why the transfer has ended and it may be looked up.
    var question: HTTPCourse.Question? {
        guard let handle, case .bound = request.names, request.route.proxy == nil else { return nil }
        let outcome = mainline_http_describe(handle, 0)
        guard outcome.name_refused, let port = UInt16(exactly: outcome.refused_port) else { return nil }
        let question = HTTPCourse.Question(
            host: String(cString: outcome.refused_host), port: port, url: String(cString: outcome.url),
            redirects: outcome.redirects)
        return order.course.isNew(question) ? question : nil
    }

    func result(code: CInt) -> Result<HTTPResponse, HTTPError> {
        guard let handle else { return .failure(.cancelled) }
        let outcome = mainline_http_describe(handle, code)
        if isTooLarge { return .failure(.bodyTooLarge(bytesMax: request.bodyBytesMax)) }
        if outcome.headers_too_long { return .failure(.headersTooLarge) }
        guard code == 0 else {
            return .failure(HTTPError(code: code, outcome: outcome, of: request, refused: refused))
        }
        guard 200...299 ~= outcome.status else { return .failure(.status(outcome.status, body: body)) }
        let port = UInt16(clamping: outcome.port)
        return .success(
            HTTPResponse(
                status: outcome.status, body: body, url: String(cString: outcome.url),
                remote: Endpoint(host: String(cString: outcome.address), port: port)))
    }
}
