import ArgumentParser
import CommandSupport
import Metainfo
import PeerProtocol

extension EncryptionPolicy: ExpressibleByArgument {}

/// Where peers come from and how they are talked to.
struct SwarmOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A peer to connect to. Repeatable.", valueName: "host:port"))
    var peer: [PeerAddress] = []

    @Flag(name: .customLong("no-dht"), help: "Do not use the DHT: ask trackers and given peers only.")
    var noDHT = false

    @Flag(name: .customLong("no-trackers"), help: "Do not ask the trackers of the torrent.")
    var noTrackers = false

    @Flag(name: .customLong("no-pex"), help: "Do not exchange peers with peers.")
    var noPEX = false

    @Flag(name: .customLong("no-lsd"), help: "Do not look for peers on the local network.")
    var noLSD = false

    @Option(help: "Encrypt connections to peers: prefer, require or off.")
    var encryption = EncryptionPolicy.prefer

    @Option(help: ArgumentHelp("Connections per torrent.", valueName: "n"))
    var maxPeers = 200

    @Option(help: ArgumentHelp("Download at most so many bytes a second; suffixes K, M, G.", valueName: "rate"))
    var downloadLimit: ByteCount?

    @Option(help: ArgumentHelp("Upload at most so many bytes a second.", valueName: "rate"))
    var uploadLimit: ByteCount?

    func validate() throws {
        if maxPeers < 1 { throw ValidationError("--max-peers must be at least 1.") }
        if let limit = [downloadLimit, uploadLimit].compactMap({ $0 }).first(where: { $0.bytes < 1_024 }) {
            throw ValidationError("A limit of \(limit.bytes) bytes/s is too low: at least 1K.")
        }
    }

    /// What these options and those of the network come to.
    func configuration(
        _ sources: [String], directory: String, goal: GetPlan.Goal, _ network: NetworkOptions, _ limits: StageLimits
    ) throws -> GetConfiguration {
        if network.noDNS, let name = peer.first(where: { $0.endpoint == nil }) {
            throw ValidationError("--peer \(name) is a name, and --no-dns forbids to resolve it.")
        }
        return GetConfiguration(
            sources: sources, directory: directory, goal: goal, peers: peer, usesDHT: !noDHT,
            usesTrackers: !noTrackers, usesExchange: !noPEX, usesLocalDiscovery: !noLSD, encryption: encryption,
            downloadLimit: downloadLimit?.bytes, uploadLimit: uploadLimit?.bytes, maxPeers: maxPeers,
            network: try network.configuration(defaultPort: 0), limits: limits)
    }
}
