import Client
package import Metainfo
import Primitives
import Swarm

/// The scenario `swarm`: one seed and a flash crowd of downloaders, until the last of them has everything.
package struct SwarmDownload: Scenario {
    private let options: SwarmOptions
    private var network: SwarmNetwork
    private var report: SwarmReport
    private var nextSample = Instant.origin
    private var sampled = SwarmNetwork.Counters()

    /// Throws when the torrent is too large or too small to be one.
    package init(_ options: SwarmOptions) throws(MetainfoError) {
        self.options = options
        let builder = InfoBuilder(name: "payload", length: options.byteCount, pieceLength: options.pieceLength)
        let count = (options.byteCount + builder.pieceLength - 1) / builder.pieceLength
        var generator = SeededGenerator(number: options.seed)
        // Hashes of nothing: pieces are judged by who gave them.
        let info = try builder.info(pieceHashes: Array(repeating: ID160.zero, count: count))
        network = SwarmNetwork(options, info: info)
        network.populate(using: &generator)
        report = SwarmReport(bound: options.bound)
        nextSample = nextSample + sampleInterval
    }

    /// So that a run has some hundred samples, of whole seconds if it is long.
    private var sampleInterval: Duration {
        .seconds(max(0.1, (options.bound.seconds / 50).rounded()))
    }

    package mutating func advance(events: Int) -> Bool {
        let (target, overflow) = network.counters.facts.addingReportingOverflow(events)
        repeat {
            guard network.unfinished > 0, network.now < .origin + options.patience else { return false }
            network.step()
            if network.now >= nextSample { takeSample() }
        } while overflow || network.counters.facts < target
        return true
    }

    private mutating func takeSample() {
        let counters = network.counters
        let seconds = sampleInterval.inSeconds
        report.timeline.append(
            SwarmReport.Sample(
                seconds: (network.now - .origin).inSeconds,
                seedRate: Double(counters.seedBytes - sampled.seedBytes) / seconds,
                peerRate: Double(counters.peerBytes - sampled.peerBytes) / seconds,
                verifiedPieces: network.verifiedPieces, finished: finished))
        sampled = counters
        nextSample = nextSample + sampleInterval
    }

    private var finished: Int { options.downloaders + options.freeRiders - network.unfinished }

    package var progress: ScenarioProgress {
        let total = network.info.pieceCount * (options.downloaders + options.freeRiders)
        return ScenarioProgress(
            phase: "downloading", now: network.now, events: network.counters.facts, nodeCount: network.hosts.count,
            done: .init(network.verifiedPieces, of: total))
    }

    package mutating func finish() -> SwarmReport {
        report.seed = options.seed
        report.unfinished = network.unfinished
        let downloading = network.hosts.filter(\.role.isDownloading)
        report.completionSeconds = downloading.compactMap { seconds($0.completedAt) }.sorted()
        report.contributorSeconds = downloading.filter { $0.role == .downloader }
            .compactMap { seconds($0.completedAt) }.sorted()
        report.freeRiderSeconds = downloading.filter { $0.role == .freeRider }.compactMap { seconds($0.completedAt) }
            .sorted()
        report.firstPieceSeconds = downloading.compactMap { seconds($0.firstPieceAt) }.sorted()
        report.seedBytes = network.counters.seedBytes
        report.peerBytes = network.counters.peerBytes
        for host in network.hosts.indices where network.hosts[host].role.isDownloading {
            let snapshot = network.clients[host].snapshot(of: SwarmHost.torrent)
            report.payloadBytes += snapshot?.downloadedBytes ?? 0
            report.wastedBytes += snapshot?.wastedBytes ?? 0
            report.pauses += network.hosts[host].pauses
            report.largestDiskBacklogBytes = max(report.largestDiskBacklogBytes, network.disks[host].largestBacklog)
        }
        report.facts = network.counters.facts
        report.digest = network.digest.value
        return report
    }

    private func seconds(_ instant: Instant?) -> Double? {
        instant.map { ($0 - .origin).inSeconds }
    }
}
