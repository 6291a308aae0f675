import Client
import KRPC
import Kademlia
import Metainfo
import Primitives
import Transport

/// Runs a one-shot command: a node is started, its task is carried out, and nothing is waited for without a limit.
package struct OneShot {
    private enum Input: Sendable {
        case host(HostEvent)
        case bootstrap([Endpoint])
        case tick
        case signal(ProgramExit)
    }

    private static let tickInterval = Duration.milliseconds(100)

    private let network: NetworkConfiguration
    private let limits: StageLimits
    private let console: Console
    private let startedAt = MonotonicClock.now
    private var hasContact = false
    /// Nothing to ask, and no name that may still become something.
    private var hasNobody = false

    package init(_ network: NetworkConfiguration, _ limits: StageLimits, _ console: Console) {
        self.network = network
        self.limits = limits
        self.console = console
    }

    package mutating func run(_ task: consuming some OneShotTask) async -> ProgramExit {
        let end = await end(of: task)
        if let message = end.message {
            console.event(
                JSONLine(
                    event: "error",
                    [.init("code", .integer(Int(end.exit.rawValue))), .init("message", .string(message))]))
            console.error(message, advice: end.advice)
        }
        return end.exit
    }

    /// How it ended, for a caller that says so itself.
    package mutating func end(of task: consuming some OneShotTask) async -> OneShotEnd {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        Signals.onFirst { feed.yield(.signal($0)) }
        let given = network.isBootstrapGiven && task.needsDHT ? await resolved() : []
        let mode = network.mode(bootstrap: given)
        let keeper: StateKeeper
        do {
            keeper = try StateKeeper(task.needsDHT ? network.state : .none, mode, now: startedAt, console)
        } catch {
            return OneShotEnd(exit: .disk, message: error.message, advice: error.advice)
        }
        let host = Host(configuration: configuration(mode, keeper, given), logger: ConsoleLogHandler.logger(console)) {
            feed.yield(.host($0))
        }
        do {
            _ = try await host.start()
        } catch {
            await host.stop()
            return OneShotEnd(exit: .noDHT, message: "the network is unusable: \(error)")
        }
        let needsDHT = task.needsDHT
        let bootstrap = Task { [self] in
            guard needsDHT else { return }
            feed.yield(.bootstrap(network.isBootstrapGiven ? given : await resolved()))
        }
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.tickInterval)
                feed.yield(.tick)
            }
        }
        defer {
            bootstrap.cancel()
            clock.cancel()
        }
        let end = await carryOut(task, inputs, host, hasState: keeper.hasContacts)
        await keeper.save(host)
        await host.stop()
        return end
    }

    /// A node for seconds: it stays out of the tables of others (BEP 43), and needs no TCP port.
    private func configuration(
        _ mode: NetworkMode, _ keeper: StateKeeper, _ bootstrap: [Endpoint]
    ) -> HostConfiguration {
        var configuration = network.host(mode, restoring: keeper.restored)
        // On a private network a family that nobody is known of has nobody, and a lookup would wait for it.
        let known = bootstrap + (keeper.restored?.homes.flatMap { $0.contacts.map(\.endpoint) } ?? [])
        if mode == .private, !known.isEmpty {
            configuration.binds.removeAll { bind in !known.contains { $0.family == bind.family } }
        }
        configuration.acceptsPeers = false
        configuration.client.node.isReadOnly = true
        return configuration
    }

    private func resolved() async -> [Endpoint] {
        await withTaskGroup(of: [Endpoint].self) { [network, console] group in
            for address in network.bootstrap {
                group.addTask {
                    do {
                        return try await network.resolve(address)
                    } catch {
                        console.note("bootstrap node \(address): \(error)", verbosity: 1)
                        return []
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    private mutating func carryOut(
        _ task: consuming some OneShotTask, _ inputs: AsyncStream<Input>, _ host: Host, hasState: Bool
    ) async -> OneShotEnd {
        host.command(.dht(task.start(now: MonotonicClock.now)))
        for await input in inputs {
            let now = MonotonicClock.now
            var step = OneShotStep.wait
            switch input {
            case .signal(let exit): return OneShotEnd(exit: task.runsUntilStopped ? .done : exit)
            case .bootstrap(let endpoints):
                hasNobody = endpoints.isEmpty && !hasState
                if !endpoints.isEmpty { host.command(.bootstrap(endpoints)) }
            case .host(.client(.dht(let event))):
                if case .firstContact(let endpoint) = event {
                    hasContact = true
                    console.note("first answer from \(endpoint)", verbosity: 1)
                }
                step = task.happened(event, now: now)
            case .host(.socketLost(let endpoint)):
                return OneShotEnd(
                    exit: .noDHT, message: "the network is unusable: the socket of \(endpoint) is gone")
            case .host(.bind(let notice)): console.show(notice)
            case .host: break
            case .tick: step = late(task, now) ?? task.tick(now: now)
            }
            switch step {
            case .wait: break
            case .ask(let command): host.command(.dht(command))
            case .end(let end): return end
            }
        }
        return OneShotEnd(exit: .failure, message: "the node has gone")
    }

    /// Nil while there is time.
    private func late(_ task: borrowing some OneShotTask, _ now: Instant) -> OneShotStep? {
        let waited = startedAt.duration(to: now)
        if task.needsDHT, !hasContact {
            if hasNobody {
                let message = "no DHT: there is no bootstrap node to ask, and no state of an earlier run"
                return .end(OneShotEnd(exit: .noDHT, message: message, advice: "name one with --bootstrap HOST:PORT"))
            }
            guard waited >= min(limits.bootstrap, limits.total ?? limits.bootstrap) else { return nil }
            let message = "no DHT: nobody has answered within \(HumanText.seconds(waited))"
            return .end(
                OneShotEnd(exit: .noDHT, message: message, advice: "dhtnode ping HOST:PORT asks a single node"))
        }
        guard let total = limits.total, waited >= total else { return nil }
        return .end(task.failure)
    }
}
