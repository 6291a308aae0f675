import Client
import Kademlia
import PeerProtocol
import Primitives
import Swarm

/// Who is there, and whom they know.
extension SwarmNetwork {
    /// Makes all hosts; the first is the seed, which is there from the start.
    mutating func populate(using generator: inout SeededGenerator) {
        let options = options
        let roles =
            [SwarmHost.Role.seed] + Array(repeating: .downloader, count: options.downloaders)
            + Array(repeating: .freeRider, count: options.freeRiders) + Array(repeating: .liar, count: options.liars)
        for (number, role) in roles.enumerated() {
            let share = Double.random(in: 0.125...0.375, using: &generator)
            distances.append(.seconds(options.roundTrip.inSeconds * share))
            append(role, number: number, generator: generator.split())
        }
        unfinished = options.downloaders + options.freeRiders
        let window = Int(options.joinWindow.inSeconds / tickSeconds)
        for host in hosts.indices {
            let isEarly = !hosts[host].role.isDownloading
            let delay = isEarly ? 0 : Int.random(in: 0...window, using: &generator)
            calendar.put(.joined(host: host), afterTicks: delay + 1)
            acquaintances.append(isEarly ? [] : drawAcquaintances(of: host, using: &generator))
        }
    }

    private mutating func append(_ role: SwarmHost.Role, number: Int, generator: SeededGenerator) {
        var configuration = Client.Configuration()
        configuration.node.networkMode = .private
        configuration.swarm = options.swarm
        configuration.swarm.encryption = .off
        configuration.swarm.servesPeers = role != .freeRider
        // A flash crowd is what is simulated: it should not fail at the door.
        configuration.lobbyMax = max(configuration.lobbyMax, options.hostCount)
        // Each in a network of its own: the same allowed fast pieces for all (BEP 6) would be a crowd of one house.
        let endpoint = Endpoint.v4(10, UInt8(number >> 8), UInt8(number & 255), 1, port: 6881)
        clients.append(
            Client(
                configuration: configuration, homes: [HomeSetup(local: endpoint)], generator: generator, now: .origin))
        let rate = role.isDownloading ? options.diskRate ?? .infinity : .infinity
        disks.append(
            SwarmDisk(
                info: info, isFull: !role.isDownloading, bytesPerTick: rate * tickSeconds,
                delayTicks: Int((options.diskDelay.inSeconds / tickSeconds).rounded())))
        lies.append(role == .liar ? BlockDigest(number) : 0)
        isPaused.append(false)
        lanesByHandle.append([:])
        addresses[endpoint] = number
        hosts.append(SwarmHost(role: role, endpoint: endpoint))
    }

    /// The seed, those that lie, and some of the others, as a tracker would name them.
    private func drawAcquaintances(of host: Int, using generator: inout SeededGenerator) -> [Endpoint] {
        var others = hosts.indices.filter { $0 != host && hosts[$0].role.isDownloading }
        let count = min(options.known, others.count)
        for place in 0..<count {
            others.swapAt(place, Int.random(in: place..<others.count, using: &generator))
        }
        let sources = hosts.indices.filter { !hosts[$0].role.isDownloading }
        return (sources + others.prefix(count)).map { hosts[$0].endpoint }
    }

    mutating func join(_ host: Int) {
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.usesExchange = false
        options.announces = false
        options.maxPeers = self.options.swarm.peersMax
        let (info, endpoints) = (info, acquaintances[host])
        tell(host) { client, now, outbox in
            client.command(.add(SwarmHost.torrent, .info(info), options), now: now, into: &outbox)
            client.command(.addPeers(SwarmHost.torrent, endpoints, .tracker), now: now, into: &outbox)
        }
    }
}
