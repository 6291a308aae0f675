import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Storage
import Transport

/// `magnetget get`: sources are read, a host is started, a session runs until every source has an end.
struct GetCommand {
    private let configuration: GetConfiguration
    private let console: Console

    init(_ configuration: GetConfiguration, _ console: Console) {
        self.configuration = configuration
        self.console = console
    }

    /// One source on the command line, and what it is.
    private struct Entry {
        let text: String
        let source: Result<GetSource, GetSource.Failure>
    }

    func run() async -> ProgramExit {
        let entries = configuration.sources.map { text in
            Entry(text: text, source: Result { () throws(GetSource.Failure) in try GetSource(text) })
        }
        for entry in entries {
            if case .failure(let failure) = entry.source { report(failure, of: entry) }
        }
        let sources = entries.compactMap { try? $0.source.get() }
        if let first = sources.first(where: { lacksEverySource($0) }) {
            console.error("nobody to ask for \(first.infoHash.hex)", advice: missingSourceAdvice)
            return .usage
        }
        let exits = await get(unique(sources))
        if let signalled = exits.values.first(where: { $0 == .interrupted || $0 == .terminated }) { return signalled }
        let all = entries.map { entry in
            switch entry.source {
            case .success(let source): exits[source.infoHash] ?? .failure
            case .failure(let failure): failure.status
            }
        }
        return all.first { $0 != .done } ?? .done
    }

    private func report(_ failure: GetSource.Failure, of entry: Entry) {
        let prefix = configuration.sources.count > 1 ? shown(entry.text) + ": " : ""
        console.event(GetReport.error(failure.message, status: failure.status, source: entry.text))
        console.error(prefix + failure.message, advice: failure.advice)
    }

    private func shown(_ source: String) -> String { TerminalText.truncated(TerminalText.escaped(source), to: 60) }

    /// Nothing could ever come of it: no DHT, no peer, and nothing that would be wanted without either.
    private func lacksEverySource(_ source: GetSource) -> Bool {
        guard source.info == nil, configuration.peers.isEmpty, source.peers.isEmpty else { return false }
        if configuration.usesTrackers, !source.trackers.isEmpty { return false }
        guard configuration.usesDHT else { return true }
        // An earlier run of a private network may have left nodes in a folder that was named.
        if case .folder = configuration.network.state { return false }
        return configuration.network.bootstrap.isEmpty
    }

    private var missingSourceAdvice: String {
        configuration.usesDHT
            ? "a private network has no built-in nodes: name one with --bootstrap HOST:PORT"
            : "name a peer with --peer HOST:PORT, or leave out --no-dht"
    }

    /// The same torrent named twice is one download.
    private func unique(_ sources: [GetSource]) -> [GetSource] {
        var seen: Set<InfoHash> = []
        return sources.filter { seen.insert($0.infoHash).inserted }
    }

    /// The exits by infohash.
    private func get(_ sources: [GetSource]) async -> [InfoHash: ProgramExit] {
        var exits: [InfoHash: ProgramExit] = [:]
        var wanted: [GetSource] = []
        for source in sources {
            if configuration.goal == .metadata, let info = source.info {
                GetListing(console).show(info)
                exits[source.infoHash] = .done
            } else {
                wanted.append(source)
            }
        }
        guard !wanted.isEmpty else { return exits }
        let session = GetSession(configuration, sources: wanted, console)
        exits.merge(await session.run()) { $1 }
        return exits
    }
}
