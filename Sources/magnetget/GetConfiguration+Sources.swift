import CommandSupport
import Metainfo
import Primitives
import Transport

extension GetConfiguration {
    /// Nothing could ever come of it: no DHT, no peer, and nothing that would be wanted without either.
    func lacksEverySource(_ source: GetSource) -> Bool {
        guard source.info == nil, peers.isEmpty, source.peers.isEmpty else { return false }
        if usesTrackers, !source.trackers.isEmpty { return false }
        // Neighbours may come.
        if !localLinks(bootstrap: network.bootstrap.compactMap(\.endpoint)).isEmpty { return false }
        guard usesDHT else { return true }
        // An earlier run of a private network may have left nodes in a folder that was named.
        if case .folder = network.state { return false }
        return network.bootstrap.isEmpty
    }

    /// Where neighbours are looked for; `bootstrap` counts where it was given.
    func localLinks(bootstrap: [Endpoint]) -> [LocalLink] {
        guard usesLocalDiscovery else { return [] }
        let named = peers.compactMap(\.endpoint) + (usesDHT && network.isBootstrapGiven ? bootstrap : [])
        return network.localLinks(named: named, Interfaces.ofMachine)
    }

    var missingSourceAdvice: String {
        usesDHT
            ? "a private network has no built-in nodes: name one with --bootstrap HOST:PORT"
            : "name a peer with --peer HOST:PORT, or leave out --no-dht"
    }
}
