import Metainfo
import Primitives
import Swarm

extension GetRun {
    package var progress: ProgressState {
        var state = ProgressState()
        state.stage = stage
        state.name = info?.name ?? plan.name ?? plan.infoHash.hex
        state.doneBytes = snapshot.verifiedBytes
        state.totalBytes = snapshot.totalBytes > 0 ? snapshot.totalBytes : wantedBytes
        state.uploadedBytes = snapshot.uploadedBytes
        state.downloadRate = snapshot.downloadRate
        state.uploadRate = snapshot.uploadRate
        state.peersFound = snapshot.peersKnown
        state.peersConnecting = snapshot.peersConnecting
        state.peersConnected = snapshot.peersConnected
        state.nodes = nodes
        state.usesDHT = plan.usesDHT
        state.trackers = plan.trackers
        state.trackersAnswered = evidence.trackersAnswered.count
        state.timeLeft = snapshot.timeLeft
        return state
    }

    /// Several runs as one line: the sums of those that go on, and how many are done.
    package static func progress(of runs: [GetRun]) -> ProgressState {
        guard runs.count > 1 else { return runs.first?.progress ?? ProgressState() }
        let running = runs.filter { $0.outcome == nil }.map(\.progress)
        var sum = ProgressState()
        for state in runs.map(\.progress) {
            sum.doneBytes += state.doneBytes
            sum.totalBytes += state.totalBytes
            sum.uploadedBytes += state.uploadedBytes
            sum.peersFound += state.peersFound
        }
        for state in running {
            sum.downloadRate += state.downloadRate
            sum.uploadRate += state.uploadRate
            sum.peersConnecting += state.peersConnecting
            sum.peersConnected += state.peersConnected
            sum.nodes = state.nodes
            sum.usesDHT = sum.usesDHT || state.usesDHT
            sum.trackers += state.trackers
            sum.trackersAnswered += state.trackersAnswered
        }
        // What moves matters more than what waits.
        let order: [GetStage] = [.downloading, .checking, .metadata, .peers, .bootstrap, .seeding]
        sum.stage = order.first { stage in running.contains { $0.stage == stage } } ?? .finished
        sum.name = "\(runs.count - running.count) of \(runs.count) done"
        if sum.downloadRate >= 1, sum.totalBytes > sum.doneBytes {
            sum.timeLeft = .seconds(Double(sum.totalBytes - sum.doneBytes) / sum.downloadRate)
        }
        return sum
    }
}
