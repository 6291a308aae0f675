import Client
import CommandSupport
import Glibc
import Kademlia
import Primitives
import Transport

/// The nodes of a test network: each has an address of its own on loopback, all share one event loop.
final class NodeCrowd {
    private static let joinLimit = Duration.seconds(60)
    private static let pollInterval = Duration.milliseconds(20)
    /// As many contacts as a lookup wants: the size of a bucket.
    private static let contactsWanted = 8

    private let console: Console
    private let stopFlag: StopFlag
    private var hosts: [Host] = []
    private var endpoints: [Endpoint] = []

    init(_ console: Console, _ stopFlag: StopFlag) {
        self.console = console
        self.stopFlag = stopFlag
    }

    var count: Int { hosts.count }

    /// Where strangers enter.
    var entrance: Endpoint { endpoints[0] }

    /// Some nodes to bootstrap from, spread over the network.
    var entrances: [Endpoint] { stride(from: 0, to: count, by: max(1, count / 4)).map { endpoints[$0] } }

    /// A node of this kind of network: nothing is limited by source, and tables fill at once.
    static func configuration(at address: Endpoint) -> HostConfiguration {
        var configuration = HostConfiguration()
        configuration.binds = [address]
        configuration.acceptsPeers = false
        configuration.client.node.networkMode = .private
        configuration.client.node.budgets = Budgets(preset: .off)
        configuration.client.node.table.verificationInterval = .milliseconds(10)
        // Thousands of sockets with buffers for the internet would be gigabytes.
        configuration.udpBufferBytes = 256 << 10
        return configuration
    }

    func host(_ configuration: HostConfiguration, report: @escaping @Sendable (HostEvent) -> Void) -> Host {
        Host(
            configuration: configuration, logger: ConsoleLogHandler.logger(console), sharingLoopOf: hosts.first,
            report: report)
    }

    /// Opens the sockets of all nodes.
    func start(_ count: Int) async throws {
        raiseFileLimit()
        for index in 0..<count {
            let host = host(Self.configuration(at: Self.address(index))) { _ in }
            hosts.append(host)
            endpoints += try await host.start().prefix(1)
        }
    }

    /// Lets the nodes find each other, in waves that double: those who join at the same moment do not see each other.
    func join() async throws {
        let limit = MonotonicClock.now + Self.joinLimit
        var joined = 1
        while joined < count, !stopFlag.isSet {
            let wave = joined..<min(2 * joined, count)
            for index in wave {
                let doors = [0, index - joined, joined / 2].map { endpoints[$0] }
                hosts[index].command(.bootstrap(doors))
            }
            try await wait(for: wave, contacts: 1, until: limit)
            joined = wave.upperBound
        }
        // The first ones joined an almost empty network: they look again.
        for index in 0..<count / 2 { hosts[index].command(.bootstrap([endpoints[count - 1 - index]])) }
        try await wait(for: 0..<count, contacts: min(Self.contactsWanted, count - 1), until: limit)
        console.note("\(count) nodes know each other", verbosity: 1)
    }

    func stop() async {
        // The first one owns the loop of all.
        for host in hosts.reversed() { await host.stop() }
    }

    private func wait(for indices: Range<Int>, contacts: Int, until limit: Instant) async throws {
        for index in indices {
            while !stopFlag.isSet, await hosts[index].nodeStatistics()?.contactsV4 ?? 0 < contacts {
                guard MonotonicClock.now < limit else {
                    throw TestNetwork.Failure(
                        exit: .noDHT,
                        message: "node \(index) of \(count) has found fewer than \(contacts) others within "
                            + HumanText.seconds(Self.joinLimit))
                }
                try await Task.sleep(for: Self.pollInterval)
            }
        }
    }

    /// 127.1.1.1, 127.1.2.1, …: a network of its own for each, since other clients count nodes by their /24.
    static func address(_ index: Int) -> Endpoint {
        .v4(127, UInt8(1 + index / 250), UInt8(1 + index % 250), 1, port: 0)
    }

    /// Each node has a socket, and the usual soft limit is 1,024 descriptors.
    private func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
