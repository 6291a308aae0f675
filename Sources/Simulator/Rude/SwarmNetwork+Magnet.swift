import Client
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// A swarm that begins with magnets, finds its peers through a tracker and each other, and has rude peers.
extension SwarmNetwork {
    /// Makes all hosts: the seeds, the downloaders, then the rude peers.
    ///
    /// Honest hosts have the same links, times and generators whatever rude peers there are.
    mutating func populate(_ mix: RudeMix, using generator: inout SeededGenerator) {
        let honest = 1 + options.extraSeeds + options.downloaders
        var (links, times, rude) = (generator.split(), generator.split(), generator.split())
        tracker = SwarmTracker(namedMax: options.known, generator: generator.split())
        for number in 0..<honest {
            distances.append(drawDistance(using: &links))
            appendHonest(number, isSeed: number <= options.extraSeeds, generator: links.split())
        }
        unfinished = options.downloaders
        let window = Int(options.joinWindow.inSeconds / tickSeconds)
        for host in hosts.indices {
            let delay = host <= options.extraSeeds ? 0 : Int.random(in: 0...window, using: &times)
            calendar.put(.joined(host: host), afterTicks: delay + 1)
        }
        let victims = hosts.map(\.endpoint)
        let target = RudePeer.Target(info)
        for (number, kind) in mix.kinds.enumerated() {
            distances.append(drawDistance(using: &rude))
            let neighbour = victims[Int.random(in: 0..<honest, using: &rude)]
            let start = Instant.origin + options.joinWindow * Int.random(in: 0..<8, using: &rude) / 8
            rudePeers.append(
                RudePeer(
                    kind: kind, target: target, victims: victims, neighbour: neighbour, reach: mix.reach, from: start,
                    generator: rude.split()))
            appendRude(kind, SwarmAddresses.rude(number, kind.isNeighbour ? .shared : mix.plan, neighbour: neighbour))
            calendar.put(.joined(host: honest + number), afterTicks: 1)
        }
    }

    private func drawDistance(using generator: inout SeededGenerator) -> Duration {
        .seconds(options.roundTrip.inSeconds * Double.random(in: 0.125...0.375, using: &generator))
    }

    private mutating func appendHonest(_ number: Int, isSeed: Bool, generator: SeededGenerator) {
        var configuration = Client.Configuration()
        configuration.swarm = options.swarm
        configuration.swarm.encryption = .off
        let endpoint = SwarmAddresses.honest(number)
        clients.append(
            Client(
                configuration: configuration, homes: [HomeSetup(local: endpoint)], generator: generator, now: .origin))
        disks.append(
            SwarmDisk(
                info: info, isFull: isSeed, bytesPerTick: (isSeed ? nil : options.diskRate) ?? .infinity,
                delayTicks: Int((options.diskDelay.inSeconds / tickSeconds).rounded())))
        append(SwarmHost(role: isSeed ? .seed : .downloader, endpoint: endpoint), lie: 0)
    }

    private mutating func appendRude(_ kind: RudeKind, _ endpoint: Endpoint) {
        append(SwarmHost(role: .rude, endpoint: endpoint), lie: kind.lies ? BlockDigest(hosts.count) : 0)
    }

    private mutating func append(_ host: SwarmHost, lie: BlockDigest) {
        addresses[host.endpoint] = hosts.count
        lies.append(lie)
        isPaused.append(false)
        lanesByHandle.append([:])
        hosts.append(host)
    }

    mutating func joinByMagnet(_ host: Int) {
        guard !isRude(host) else {
            tracker?.announce(hosts[host].endpoint)
            return
        }
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.announces = false
        options.listenPort = SwarmAddresses.port
        options.maxPeers = self.options.swarm.peersMax
        let source: Client.TorrentSource = hosts[host].role == .seed ? .info(info) : .infoHash(info.infoHash)
        hosts[host].joinedAt = now
        tell(host) { $0.command(.add(SwarmHost.torrent, source, options), now: $1, into: &$2) }
        announce(host)
    }

    /// The tracker hears of the host and names others to it; again after a while, if it is not finished.
    mutating func announce(_ host: Int) {
        let endpoint = hosts[host].endpoint
        if hosts[host].joinedAt == now { tracker?.announce(endpoint) }
        guard hosts[host].role == .downloader, hosts[host].completedAt == nil else { return }
        let peers = tracker?.peers(for: endpoint) ?? []
        tell(host) { $0.command(.addPeers(SwarmHost.torrent, peers, .tracker), now: $1, into: &$2) }
        guard let interval = options.announceInterval else { return }
        calendar.put(.announced(host: host), afterTicks: Int(interval.inSeconds / tickSeconds))
    }
}

extension RudePeer.Target {
    init(_ info: Info) {
        self.info = info
        layout = TorrentLayout(pieceLength: info.pieceLength, totalLength: info.totalLength)
        garbage = Array(repeating: UInt8(ascii: "x"), count: info.bytes.count)
    }
}
