import Client
import Kademlia
import NIOCore
import Primitives
import TrackerProtocol

/// What announces to trackers need of the world: fetches and names.
final class TrackerTable {
    private unowned let loop: HostLoop
    /// Made for the first fetch.
    private var fetcher: HTTPFetcher?
    private var fetches: [AnnounceID: HTTPFetcher.RequestID] = [:]

    init(loop: HostLoop) {
        self.loop = loop
    }

    func fetch(_ id: AnnounceID, url: String, family: Endpoint.Family?) {
        var request = HTTPRequest(url: url)
        // Who asked for a private network means its trackers too.
        request.policy = loop.configuration.client.node.networkMode == .private ? .globalOrLocal : .global
        guard let route = route(family) else {
            let failure = TrackerFailure.unreachable("nothing can be sent from what --bind names")
            return loop.tell(.fetched(id, .failure(failure)))
        }
        request.route = route
        request.bodyBytesMax = TrackerLimits.replyBytes
        request.names = loop.configuration.names
        let bound = NIOLoopBound(loop, eventLoop: loop.eventLoop)
        let fetcher = self.fetcher ?? HTTPFetcher()
        self.fetcher = fetcher
        do throws(HTTPError) {
            fetches[id] = try fetcher.fetch(request) { result in
                let answer = TrackerTable.answer(result)
                bound.eventLoop.execute {
                    bound.value.trackers.fetches[id] = nil
                    bound.value.tell(.fetched(id, answer))
                }
            }
        } catch {
            loop.tell(.fetched(id, Self.answer(.failure(error))))
        }
    }

    /// A name that is still being looked up is looked up in vain: the client knows that nobody waits for it.
    func cancel(_ id: AnnounceID) {
        if let request = fetches.removeValue(forKey: id) { fetcher?.cancel(request) }
    }

    func resolve(_ id: AnnounceID, host: String, port: UInt16) {
        let names = loop.configuration.names
        let bound = NIOLoopBound(loop, eventLoop: loop.eventLoop)
        Task {
            let result: Result<[Endpoint], TrackerFailure>
            do {
                result = .success(try await names.resolve(host: host, port: port))
            } catch {
                result = .failure(.unreachable("\(error)"))
            }
            bound.eventLoop.execute { bound.value.tell(.resolved(id, result)) }
        }
    }

    /// Completes when the thread of the fetches has ended.
    func stop() -> EventLoopFuture<Void> {
        guard let fetcher else { return loop.eventLoop.makeSucceededVoidFuture() }
        return loop.eventLoop.makeFutureWithTask { await fetcher.stop() }
    }

    /// From our own address, or not at all; nil while nothing can be sent from there.
    private func route(_ family: Endpoint.Family?) -> HTTPRoute? {
        let fitting = loop.homes.indices.filter { family == nil || loop.homes[$0].local.family == family }
        let bound = fitting.filter { !loop.bindWatch.isLost($0) }.map { loop.homes[$0] }
        if bound.isEmpty, !fitting.isEmpty { return nil }
        // Where every family may leave from anywhere, the library takes whichever answers first.
        if bound.count > 1, bound.allSatisfy(\.local.isAnyAddress) { return HTTPRoute(family: family) }
        guard let local = bound.first else { return HTTPRoute(family: family) }
        return HTTPRoute(source: .address(local.local, device: local.device?.name))
    }

    private static func answer(
        _ result: Result<HTTPResponse, HTTPError>
    ) -> Result<(status: Int, body: [UInt8]), TrackerFailure> {
        switch result {
        case .success(let response): .success((response.status, response.body))
        // Many trackers give their reason with a status of failure.
        case .failure(.status(let status, let body)): .success((status, body))
        case .failure(.timedOut): .failure(.timedOut)
        case .failure(.bodyTooLarge): .failure(.tooLarge)
        case .failure(let error): .failure(.unreachable(error.description))
        }
    }
}
