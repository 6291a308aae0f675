import Client
package import Metainfo
import Primitives
import Swarm

/// The scenario `rude`: a flash crowd that starts from magnets, first by itself, then with rude peers among it.
package struct RudeSwarm: Scenario {
    private let options: RudeOptions
    private let info: Info
    private var network: SwarmNetwork
    private var report: RudeReport
    private var isRude = false
    private var generator: SeededGenerator
    private var facts = 0

    /// Throws when the torrent is too large or too small to be one.
    package init(_ options: RudeOptions) throws(MetainfoError) {
        self.options = options
        var builder = InfoBuilder(name: "payload", length: options.byteCount, pieceLength: options.pieceLength)
        let count = (options.byteCount + options.pieceLength - 1) / options.pieceLength
        // Something has to make the metadata as long as that of larger torrents.
        builder.source = String(repeating: "x", count: max(0, options.metadataBytes - count * ID160.byteCount))
        // Hashes of nothing: pieces are judged by who gave them.
        info = try builder.info(pieceHashes: Array(repeating: ID160.zero, count: count))
        var generator = SeededGenerator(number: options.seed)
        var mixing = generator.split()
        report = RudeReport(mix: RudeMix(count: options.rudePeers, of: options.kinds, using: &mixing))
        self.generator = generator
        network = SwarmNetwork(options.network(isRude: false, patience: .seconds(3_600)), info: info)
        network.populate(report.mix.withoutAny, using: &generator)
    }

    package mutating func advance(events: Int) -> Bool {
        let (target, overflow) = network.counters.facts.addingReportingOverflow(events)
        repeat {
            guard network.unfinished > 0, network.now < .origin + network.options.patience else { return goOn() }
            network.step()
        } while overflow || network.counters.facts < target
        return true
    }

    /// From the swarm alone to that with rude peers.
    private mutating func goOn() -> Bool {
        if isRude {
            report.with = half()
            report.digest = report.digest &* 31 &+ network.digest.value
            return false
        }
        report.without = half()
        report.digest = network.digest.value
        facts = network.counters.facts
        isRude = true
        let alone = Duration.seconds(report.without.seconds)
        let patience = max(alone * options.patience, alone + options.patienceMin)
        network = SwarmNetwork(options.network(isRude: true, patience: patience), info: info)
        var generator = generator
        network.populate(report.mix, using: &generator)
        return true
    }

    package var progress: ScenarioProgress {
        ScenarioProgress(
            phase: isRude ? "with rude peers" : "without rude peers", now: network.now,
            events: facts + network.counters.facts, nodeCount: network.hosts.count,
            done: .init(network.verifiedPieces, of: info.pieceCount * options.downloaders))
    }

    package mutating func finish() -> RudeReport {
        report.seed = options.seed
        return report
    }

    private func half() -> RudeReport.Half {
        var half = RudeReport.Half()
        let downloading = network.hosts.indices.filter { network.hosts[$0].role == .downloader }
        let seconds = { (host: SwarmHost, end: Instant?) in
            end.flatMap { end in host.joinedAt.map { (end - $0).inSeconds } }
        }
        half.completion = Spread(
            downloading.map { seconds(network.hosts[$0], network.hosts[$0].completedAt) ?? .infinity })
        half.metadata = Spread(
            downloading.map { seconds(network.hosts[$0], network.hosts[$0].metadataAt) ?? .infinity })
        half.unfinished = network.unfinished
        half.withoutMetadata = downloading.count { network.hosts[$0].metadataAt == nil }
        for host in downloading {
            let snapshot = network.clients[host].snapshot(of: SwarmHost.torrent)
            half.payloadBytes += snapshot?.downloadedBytes ?? 0
            half.wastedBytes += snapshot?.wastedBytes ?? 0
        }
        half.requestsToRude = network.rudePeers.reduce(0) { $0 + $1.requestsReceived }
        half.facts = network.counters.facts
        half.seconds = (network.now - .origin).inSeconds
        return half
    }
}
