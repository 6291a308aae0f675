import Client
import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Transport

/// `dhtnode run`: one host without torrents, and a line about it every so often.
struct NodeDaemon {
    private enum Input: Sendable {
        case host(HostEvent)
        case status
        case look(ID160)
        case stop
    }

    private static let statusInterval = Duration.seconds(60)

    private let network: NetworkConfiguration
    private let console: Console
    private let takesLookups: Bool

    /// - Parameter takesLookups: standard input names infohashes to look up.
    init(_ network: NetworkConfiguration, takesLookups: Bool, _ console: Console) {
        self.network = network
        self.takesLookups = takesLookups
        self.console = console
    }

    func run() async -> ProgramExit {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        Signals.onFirst { _ in feed.yield(.stop) }
        let endpoints = network.isBootstrapGiven ? await resolved(network.bootstrap) : []
        let mode = network.mode(bootstrap: endpoints)
        let keeper: StateKeeper
        do {
            keeper = try StateKeeper(network.state, mode, now: MonotonicClock.now, console)
        } catch {
            console.error(error.message, advice: error.advice)
            return .disk
        }
        var configuration = network.host(mode, restoring: keeper.restored)
        configuration.acceptsPeers = false
        let host = Host(configuration: configuration, logger: ConsoleLogHandler.logger(console)) {
            feed.yield(.host($0))
        }
        let local: [Endpoint]
        do {
            local = try await host.start()
        } catch {
            console.error("the network is unusable: \(error)", advice: "choose another port with --port, or 0 for any")
            await host.stop()
            return .noDHT
        }
        console.note("ready: listening on " + local.map(\.description).joined(separator: ", "))
        console.event(
            JSONLine(event: "ready", [.init("listen", .array(local.map { .string($0.description) }))]))
        let bootstrap = Task { await self.bootstrap(host, known: endpoints) }
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.statusInterval)
                feed.yield(.status)
            }
        }
        if takesLookups { AskedLookups.read { feed.yield(.look($0)) } }
        let exit = await follow(inputs, host, keeper)
        bootstrap.cancel()
        clock.cancel()
        await showStatus(of: host)
        await keeper.save(host)
        await host.stop()
        console.note("stopped")
        console.event(JSONLine(event: "stopped"))
        return exit
    }

    private func bootstrap(_ host: Host, known: [Endpoint]) async {
        var endpoints = known
        if !network.isBootstrapGiven { endpoints = await resolved(network.bootstrap) }
        guard !Task.isCancelled, !endpoints.isEmpty else { return }
        host.command(.bootstrap(endpoints))
    }

    private func resolved(_ addresses: [PeerAddress]) async -> [Endpoint] {
        await withTaskGroup(of: [Endpoint].self) { group in
            for address in addresses {
                group.addTask {
                    do {
                        return try await network.resolve(address)
                    } catch {
                        console.note("bootstrap node \(address): \(error)")
                        return []
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// Until somebody says stop, or the network is gone.
    private func follow(_ inputs: AsyncStream<Input>, _ host: Host, _ keeper: StateKeeper) async -> ProgramExit {
        var lookups = AskedLookups(console)
        for await input in inputs {
            switch input {
            case .stop: return .done
            case .look(let infoHash): host.command(.dht(lookups.start(infoHash, now: MonotonicClock.now)))
            case .status:
                await showStatus(of: host)
                await keeper.saveIfDue(host, now: MonotonicClock.now)
            case .host(.client(.dht(let event))):
                lookups.happened(event, now: MonotonicClock.now)
                show(event)
            case .host(.socketLost(let endpoint)):
                console.error("the network is unusable: the socket of \(endpoint) is gone")
                return .noDHT
            case .host(.bind(let notice)): bindChanged(notice, host)
            case .host: break
            }
        }
        return .failure
    }

    /// Names that could not be resolved while the interface was lost are tried anew.
    private func bindChanged(_ notice: BindNotice, _ host: Host) {
        console.show(notice)
        if case .lost = notice { return }
        let names = network.bootstrap.filter { $0.endpoint == nil }
        guard !names.isEmpty else { return }
        Task { host.command(.bootstrap(await resolved(names))) }
    }

    private func show(_ event: Event) {
        switch event {
        case .firstContact(let endpoint): console.note("first answer from \(endpoint)", verbosity: 1)
        case .bootstrapFinished(_, let nodes):
            console.note(nodes > 0 ? "joined the DHT: \(HumanText.count(nodes, "node")) known" : "nobody answers yet")
        case .externalAddressKnown(_, let endpoint): console.note("seen from outside as \(endpoint.hostText)")
        case .identityChanged(_, let id): console.note("node id is \(id.hex)", verbosity: 1)
        default: break
        }
    }

    private func showStatus(of host: Host) async {
        guard let statistics = await host.nodeStatistics() else { return }
        let unsent = await host.unsentDatagrams() ?? 0
        console.note(NodeStatus.text(statistics, unsent: unsent, network.limits))
        console.event(NodeStatus.line(statistics, unsent: unsent, network.limits))
    }
}
