import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// Who is in the swarm, and what links they have.
struct SwarmLinkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Those that download and serve.", valueName: "n"))
    var downloaders = 100

    @Option(help: ArgumentHelp("Those that download and serve nobody.", valueName: "n"))
    var freeRiders = 0

    @Option(help: ArgumentHelp("Those that claim to have everything and serve something else.", valueName: "n"))
    var liars = 0

    @Option(help: ArgumentHelp("Length of the torrent; GB is 10^9 bytes, GiB 2^30.", valueName: "size"))
    var size = DataSize(argument: "1GB")!

    @Option(help: ArgumentHelp("Piece length. (default: about 1,000 to 2,000 pieces)", valueName: "size"))
    var piece: DataSize?

    @Option(help: ArgumentHelp("The seed's link, each way.", valueName: "rate"))
    var seedUp = LinkRate(argument: "1Gbit/s")!

    @Option(help: ArgumentHelp("What each downloader can send.", valueName: "rate"))
    var up = LinkRate(argument: "1Gbit/s")!

    @Option(help: ArgumentHelp("What each downloader can receive.", valueName: "rate"))
    var down = LinkRate(argument: "1Gbit/s")!

    @Option(help: ArgumentHelp("Mean round trip; a pair's is a half to one and a half of it.", valueName: "seconds"))
    var rtt = Seconds(argument: "0.02")!

    @Option(help: ArgumentHelp("How many others a downloader is told of, besides the seed.", valueName: "n"))
    var known = 40

    @Option(help: ArgumentHelp("What a downloader's disk writes. (default: it is never behind)", valueName: "rate"))
    var disk: LinkRate?

    @Option(help: ArgumentHelp("How often links are shared anew.", valueName: "seconds"))
    var tick = Seconds(argument: "0.005")!

    func validate() throws {
        guard (1...5_000).contains(downloaders) else { throw ValidationError("--downloaders is 1 to 5000.") }
        guard (0...5_000).contains(freeRiders), (0...1_000).contains(liars), (0...5_000).contains(known) else {
            throw ValidationError("--free-riders is 0 to 5000, --liars 0 to 1000, --known 0 to 5000.")
        }
        guard rtt.duration <= .seconds(5), tick.duration <= .milliseconds(100) else {
            throw ValidationError("--rtt is at most 5 seconds, --tick at most 0.1.")
        }
        if let piece, !(16_384...(64 << 20)).contains(piece.bytes) {
            throw ValidationError("--piece is 16KiB to 64MiB.")
        }
        guard size.bytes / (piece?.bytes ?? 16 << 20) <= 100_000 else {
            throw ValidationError("--size is more than 100,000 pieces.")
        }
    }

    func apply(to options: inout SwarmOptions) {
        options.downloaders = downloaders
        options.freeRiders = freeRiders
        options.liars = liars
        options.byteCount = size.bytes
        options.pieceLength = piece?.bytes
        options.seedRate = seedUp.bytesPerSecond
        options.upRate = up.bytesPerSecond
        options.downRate = down.bytesPerSecond
        options.roundTrip = rtt.duration
        options.known = known
        options.diskRate = disk?.bytesPerSecond
        options.tickLength = tick.duration
    }
}
