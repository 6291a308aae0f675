package import Primitives

/// Why a request has no answer that is of use.
package enum HTTPError: Error, Equatable, CustomStringConvertible {
    /// The URL, or something else of the request, cannot be meant.
    case badRequest(String)
    /// libcurl is not on this machine, or is too old.
    case libraryMissing(String)
    /// The system gives no thread, or no memory.
    case cannotStart(String)
    case cannotResolve(String)
    /// All addresses of the server are refused by the request's policy, or cannot be reached and this one is refused.
    case refusedByPolicy(Endpoint)
    /// The source address or interface is not there, or may not be used.
    case cannotBind(String)
    case cannotConnect(String)
    case proxyFailed(String)
    case timedOut(String)
    /// No secure connection: the certificate is not to be trusted, or the two ends have nothing in common.
    case tls(String)
    /// The body has more bytes than the request allows.
    case bodyTooLarge(bytesMax: Int)
    case headersTooLarge
    case tooManyRedirects(max: Int)
    /// An answer with a status other than 200 ... 299; trackers say why in the body.
    case status(Int, body: [UInt8])
    /// The server ended the connection early or does not speak HTTP.
    case badResponse(String)
    /// More requests wait than the fetcher holds.
    case queueFull(max: Int)
    case cancelled
    /// The fetcher was stopped.
    case stopped

    package var description: String {
        switch self {
        case .badRequest(let reason): "bad HTTP request: \(reason)"
        case .libraryMissing(let reason):
            "HTTP needs libcurl: install the package libcurl4 (Debian, Ubuntu) or libcurl (Fedora) (\(reason))"
        case .cannotStart(let reason): "cannot fetch anything: \(reason)"
        case .cannotResolve(let reason): reason.hasPrefix("cannot resolve") ? reason : "no such host: \(reason)"
        case .refusedByPolicy(let endpoint): "\(endpoint.hostText) is an address that this request may not reach"
        case .cannotBind(let reason): "cannot leave from the given address or interface: \(reason)"
        case .cannotConnect(let reason): "cannot connect: \(reason)"
        case .proxyFailed(let reason): "the proxy failed: \(reason)"
        case .timedOut(let reason): "timed out: \(reason)"
        case .tls(let reason): "no secure connection: \(reason)"
        case .bodyTooLarge(let max): "the answer has more than \(max) bytes"
        case .headersTooLarge: "the answer has too many headers"
        case .tooManyRedirects(let max): "more than \(max) redirects"
        case .status(let status, _): "the server answered with status \(status)"
        case .badResponse(let reason): "the answer is broken: \(reason)"
        case .queueFull(let max): "more than \(max) requests are waiting"
        case .cancelled: "cancelled"
        case .stopped: "stopped"
        }
    }
}
