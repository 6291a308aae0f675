import Client
import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Swarm
import Transport

/// Where the first nodes and peers come from: what the command line names, and the built-in routers.
extension GetSession {
    /// The addresses of the bootstrap nodes given, where the mode depends on them; names are resolved for it.
    func bootstrapGiven() async -> [Endpoint] {
        let network = configuration.network
        guard configuration.usesDHT, network.isBootstrapGiven else { return [] }
        if network.mode != nil { return network.bootstrap.compactMap(\.endpoint) }
        for address in network.bootstrap where address.endpoint == nil { console.note("resolving \(address)") }
        return await withTaskGroup(of: [Endpoint].self) { group in
            for address in network.bootstrap { group.addTask { (try? await network.resolve(address)) ?? [] } }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    mutating func begin(on host: Host, bootstrap: [Endpoint], _ feed: AsyncStream<Input>.Continuation) {
        if configuration.usesDHT {
            beginBootstrap(on: host, bootstrap, feed)
            addNodes(on: host, feed)
        }
        startMore(on: host, feed)
    }

    /// Adds the next torrents, as many as may be worked on at once.
    mutating func startMore(on host: Host, _ feed: AsyncStream<Input>.Continuation) {
        while started < sources.count, runs[..<started].count(where: { $0.outcome == nil }) < configuration.jobs {
            let (index, source) = (started, sources[started])
            started += 1
            // Nothing may have come of it before its turn.
            guard runs[index].outcome == nil else { continue }
            runs[index] = GetRun(runs[index].plan, now: MonotonicClock.now)
            let torrent = TorrentHandle(rawValue: index)
            host.add(
                torrent, source.info.map { .info($0) } ?? .infoHash(source.infoHash),
                options(for: runs[index].plan, source),
                directory: configuration.directory)
            addPeers(of: source, torrent, host, feed)
            if source.info?.isPrivate == true, configuration.usesDHT {
                console.note("\(source.infoHash.hex) is private (BEP 27): the DHT is not asked for it")
            }
        }
    }

    private func options(for plan: GetPlan, _ source: GetSource) -> Client.TorrentOptions {
        var options = Client.TorrentOptions()
        options.trackers = configuration.usesTrackers ? source.trackers : []
        options.usesExchange = configuration.usesExchange
        options.isSequential = configuration.isSequential
        options.selection = plan.selection
        options.usesDHT = plan.usesDHT
        options.announces = plan.goal != .metadata
        options.maxPeers = descriptors.connections(configuration.maxPeers)
        options.metadataOnly = plan.goal == .metadata
        return options
    }

    // MARK: Nodes

    private mutating func beginBootstrap(
        on host: Host, _ known: [Endpoint], _ feed: AsyncStream<Input>.Continuation
    ) {
        let network = configuration.network
        let numeric = network.bootstrap.compactMap(\.endpoint).filter { network.families.contains($0.family) }
        let endpoints = known + numeric.filter { !known.contains($0) }
        if !endpoints.isEmpty { host.command(.bootstrap(endpoints)) }
        let names = known.isEmpty ? network.bootstrap.filter { $0.endpoint == nil } : []
        unresolved = names.count
        let hasNodes = sources.contains { !$0.nodes.isEmpty && $0.info?.isPrivate != true }
        if endpoints.isEmpty, names.isEmpty, !hasNodes, !hasState {
            let family = network.families == [.v6] ? "IPv6" : "IPv4"
            for (index, source) in sources.enumerated()
            where source.peers.isEmpty && configuration.peers.isEmpty && runs[index].plan.trackers == 0 {
                runs[index].gaveUp(.noDHT, because: "no DHT: no bootstrap node has an \(family) address")
            }
        }
        for name in names {
            Task { feed.yield(.bootstrapResolved(name, await Result { try await network.resolve(name) })) }
        }
    }

    /// The nodes that .torrent files name; those of a private torrent are left alone, as its DHT is (BEP 27).
    private func addNodes(on host: Host, _ feed: AsyncStream<Input>.Continuation) {
        for source in sources where source.info?.isPrivate != true {
            let numeric = source.nodes.compactMap(\.endpoint)
            if !numeric.isEmpty { host.command(.bootstrap(numeric)) }
            for name in source.nodes where name.endpoint == nil {
                let network = configuration.network
                Task { feed.yield(.nodeResolved(name, await Result { try await network.resolve(name) })) }
            }
        }
    }

    func nodeResolved(_ address: PeerAddress, _ result: Result<[Endpoint], any Error>, _ host: Host) {
        switch result {
        case .success(let endpoints): host.command(.bootstrap(endpoints))
        case .failure(let error): console.note("node \(address): \(error)", verbosity: 1)
        }
    }

    mutating func bootstrapResolved(_ address: PeerAddress, _ result: Result<[Endpoint], any Error>, _ host: Host) {
        unresolved -= 1
        switch result {
        case .success(let endpoints): host.command(.bootstrap(endpoints))
        case .failure(let error):
            bootstrapFailures.append("\(error)")
            console.note("\(error)", verbosity: 1)
        }
        guard unresolved == 0, bootstrapFailures.count == configuration.network.bootstrap.count else { return }
        // Peers that were given may still do without, and so may a node that knows others.
        guard !hasState, !isBindLost else { return }
        for index in runs.indices where runs[index].stage == .bootstrap && sources[index].nodes.isEmpty {
            runs[index].gaveUp(
                .noDHT, because: "no DHT: no bootstrap node could be resolved (\(bootstrapFailures[0]))",
                advice: "check the name server, or give an address with --bootstrap 1.2.3.4:6881")
        }
    }

    /// Our sockets are at other addresses, or can send again: names that failed meanwhile are resolved anew.
    mutating func bindChanged(_ notice: BindNotice, _ host: Host) {
        switch notice {
        case .lost:
            isBindLost = true
            return
        case .returned(_, let places, _), .moved(_, let places): places.forEach { ourselves.addHost(of: $0) }
        }
        isBindLost = false
        guard let feed else { return }
        if configuration.usesDHT {
            let network = configuration.network
            for name in network.bootstrap where name.endpoint == nil {
                Task { feed.yield(.nodeResolved(name, await Result { try await network.resolve(name) })) }
            }
            addNodes(on: host, feed)
        }
        for (index, source) in sources.prefix(started).enumerated() where runs[index].outcome == nil {
            addPeers(of: source, TorrentHandle(rawValue: index), host, feed)
        }
    }

    // MARK: Peers

    private func addPeers(
        of source: GetSource, _ torrent: TorrentHandle, _ host: Host, _ feed: AsyncStream<Input>.Continuation
    ) {
        let network = configuration.network
        host.command(.addPeers(torrent, configuration.peers.compactMap(\.endpoint), .user))
        host.command(.addPeers(torrent, acceptable(source.peers.compactMap(\.endpoint)), .magnet))
        let given = configuration.peers.map { ($0, InfoHash?.none) }
        let named = source.peers.map { ($0, InfoHash?.some(source.infoHash)) }
        for (address, infoHash) in given + named where address.endpoint == nil {
            Task { feed.yield(.peerResolved(address, infoHash, await Result { try await network.resolve(address) })) }
        }
    }

    /// A link from a stranger shall not make us knock at the doors of our own network.
    private func acceptable(_ peers: [Endpoint]) -> [Endpoint] {
        let usable = peers.filter { mode.accepts($0) }
        if usable.count < peers.count {
            let count = HumanText.count(peers.count - usable.count, "peer")
            console.note(
                "\(count) of the magnet left out: "
                    + "private addresses and ports below 1024 need --peer, or --network private")
        }
        return usable
    }

    func peerResolved(
        _ address: PeerAddress, _ infoHash: InfoHash?, _ result: Result<[Endpoint], any Error>, _ host: Host
    ) {
        switch result {
        case .success(let endpoints):
            for (index, source) in sources.enumerated() where infoHash == nil || source.infoHash == infoHash {
                let isUsers = infoHash == nil
                let usable = isUsers ? endpoints : acceptable(endpoints)
                host.command(.addPeers(TorrentHandle(rawValue: index), usable, isUsers ? .user : .magnet))
            }
        case .failure(let error): console.note("peer \(address): \(error)")
        }
    }
}

extension Result where Failure == any Error {
    /// What an asynchronous call comes to.
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
