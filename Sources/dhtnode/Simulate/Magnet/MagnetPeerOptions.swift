import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// Who has announced what the magnets name, and what of them is left.
struct MagnetPeerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Endpoints that have announced each infohash.", valueName: "n"))
    var peers = 200

    @Option(help: ArgumentHelp("Of these: nobody is there any more. (default: 80%)", valueName: "share"))
    var deadPeers: Share?

    @Option(
        help: ArgumentHelp(
            "Of the dead: their machine refuses calls at once, others are silent. (default: 15%)", valueName: "share"))
    var refusing: Share?

    @Option(help: ArgumentHelp("Of the living: they have no metadata either. (default: 10%)", valueName: "share"))
    var empty: Share?

    @Option(
        help: ArgumentHelp(
            "Of the living: they tell a wrong length of the metadata. (default: 5%)", valueName: "share"))
    var liars: Share?

    @Option(help: ArgumentHelp("Of the living: they send 20 kB/s. (default: 10%)", valueName: "share"))
    var slow: Share?

    @Option(help: ArgumentHelp("Shortest metadata; each torrent's length is drawn evenly.", valueName: "size"))
    var metadataMin = DataSize(argument: "30KB")!

    @Option(help: ArgumentHelp("Longest metadata.", valueName: "size"))
    var metadataMax = DataSize(argument: "200KB")!

    func validate() throws {
        guard (1...5_000).contains(peers) else { throw ValidationError("--peers is 1 to 5000.") }
        guard (100...metadataMax.bytes).contains(metadataMin.bytes), metadataMax.bytes <= 8 << 20 else {
            throw ValidationError("--metadata-min and --metadata-max are 100 to 8MiB, the longest last.")
        }
        let parts = MagnetOptions()
        let kinds = [empty?.value ?? parts.emptyShare, liars?.value ?? parts.liarShare, slow?.value ?? parts.slowShare]
        guard kinds.reduce(0, +) <= 1 else {
            throw ValidationError("--empty, --liars and --slow are at most 1 together.")
        }
    }

    func apply(to options: inout MagnetOptions) {
        options.peers = peers
        if let deadPeers { options.deadShare = deadPeers.value }
        if let refusing { options.refusingShare = refusing.value }
        if let empty { options.emptyShare = empty.value }
        if let liars { options.liarShare = liars.value }
        if let slow { options.slowShare = slow.value }
        options.metadataBytes = metadataMin.bytes...metadataMax.bytes
    }
}
