import Dispatch
import Glibc
package import Primitives
import Synchronization

/// Host names to addresses, by the system's resolver.
package enum Resolver {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case unknownHost(String, reason: String)
        case timedOut(String)
        /// `--no-dns` was given.
        case refused(String)
        /// c-ares is not on this machine, or is too old, and `--bind` forbids the system's resolver.
        case libraryMissing(String, reason: String)
        /// The only name servers are programs of this machine, whose questions would not leave by what `--bind` names.
        case localServer(String, server: String, String)

        package var description: String {
            switch self {
            case .unknownHost(let host, let reason): "cannot resolve \(host): \(reason)"
            case .timedOut(let host): "cannot resolve \(host): no answer in time"
            case .refused(let host): "\(host) is a name, which --no-dns forbids to resolve"
            case .libraryMissing(let host, let reason):
                "cannot resolve \(host): with --bind names need c-ares: install the package libc-ares2 (Debian, "
                    + "Ubuntu) or c-ares (Fedora), or give addresses as numbers (\(reason))"
            case .localServer(let host, let server, let bound):
                "cannot resolve \(host): the name server \(server) is a program of this machine, whose questions "
                    + "would not leave by \(bound): name another one in /etc/resolv.conf, or give addresses as numbers"
            }
        }
    }

    /// The addresses of `host` in the system's order of preference, without repeats; never empty.
    ///
    /// An address in text form is its own answer and asks nobody. `getaddrinfo` cannot be interrupted, so it has a
    /// thread to itself, which is left behind when the time is over. Throws `Failure`.
    package static func resolve(host: String, port: UInt16, within limit: Duration = .seconds(10)) async throws
        -> [Endpoint]
    {
        try await resolve(host: host, port: port, within: limit, by: lookUp)
    }

    static func resolve(
        host: String, port: UInt16, within limit: Duration,
        by lookUp: @escaping @Sendable (String, UInt16) -> Result<[Endpoint], Failure>
    ) async throws -> [Endpoint] {
        if let endpoint = Endpoint(host: host, port: port) { return [endpoint] }
        return try await withCheckedThrowingContinuation { continuation in
            let answer = OnceAnswer(continuation)
            DispatchQueue(label: "resolver").async { answer.give(lookUp(host, port)) }
            let timeout = DispatchTime.now() + .nanoseconds(Int(clamping: limit.wholeNanoseconds))
            DispatchQueue.global().asyncAfter(deadline: timeout) { answer.give(.failure(.timedOut(host))) }
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) -> Result<[Endpoint], Failure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        // Only families that this machine has an address of, so that nobody waits for IPv6 where there is none.
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        var code = getaddrinfo(host, nil, &hints, &list)
        if code == EAI_NONAME || code == EAI_BADFLAGS {
            // AI_ADDRCONFIG does not count loopback: on a machine with nothing else it would hide `localhost`.
            hints.ai_flags = 0
            code = getaddrinfo(host, nil, &hints, &list)
        }
        guard code == 0 else { return .failure(.unknownHost(host, reason: String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        var found: [Endpoint] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let address = entry.ai_addr, var endpoint = Endpoint(address, family: entry.ai_family) else {
                continue
            }
            endpoint.port = port
            if !found.contains(endpoint) { found.append(endpoint) }
        }
        return found.isEmpty ? .failure(.unknownHost(host, reason: "no address")) : .success(found)
    }
}

/// Resumes a continuation with the first of several answers.
private final class OnceAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<[Endpoint], any Error>?>

    init(_ continuation: CheckedContinuation<[Endpoint], any Error>) {
        self.continuation = Mutex(continuation)
    }

    func give(_ result: Result<[Endpoint], Resolver.Failure>) {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(with: result.mapError { $0 as any Error })
    }
}
