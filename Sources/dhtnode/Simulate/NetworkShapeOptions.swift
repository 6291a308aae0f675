import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// What network to build; whatever is not given is as the preset has it.
struct NetworkShapeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Nodes of the network.", valueName: "n"))
    var nodes: Int?

    @Option(help: "How nodes are configured: standard, or compact (flat buckets, no spares, slow upkeep).")
    var configuration: NodeConfiguration?

    @Option(help: ArgumentHelp(stringLiteral: "How long packets take: " + LatencyArgument.help))
    var latency: LatencyArgument?

    @Option(help: ArgumentHelp("Packets lost, as a share: 0.1 or 10%.", valueName: "share"))
    var loss: Share?

    @Option(help: ArgumentHelp("Packets that arrive twice.", valueName: "share"))
    var duplication: Share?

    @Option(help: ArgumentHelp("Each packet takes up to so much longer, so that packets overtake.", valueName: "ms"))
    var jitter: Int?

    @Option(help: "Nodes come and go: none, measured (as in Mainline), or how many times faster than measured.")
    var churn: ChurnArgument?

    @Option(help: ArgumentHelp("Nodes behind translators and firewalls, in the measured mix.", valueName: "share"))
    var nat: Share?

    @Option(help: ArgumentHelp("Hostile nodes, of all kinds.", valueName: "share"))
    var hostile: Share?

    @Option(help: ArgumentHelp("Nodes that do as BEP 5 was written.", valueName: "share"))
    var classicShare: Share?

    @Option(help: ArgumentHelp("Nodes that do as libtorrent does.", valueName: "share"))
    var libtorrentShare: Share?

    @Option(help: ArgumentHelp("Nodes whose ids their addresses do not allow (BEP 42).", valueName: "share"))
    var insecureShare: Share?

    @Option(help: ArgumentHelp("Nodes that know the verbs of BEP 5 only; half of them are silent.", valueName: "share"))
    var bep5Share: Share?

    @Option(help: ArgumentHelp("Nodes that give no tokens.", valueName: "share"))
    var noTokenShare: Share?

    @Option(help: ArgumentHelp("Nodes that answer nobody and say so (BEP 43).", valueName: "share"))
    var readOnlyShare: Share?

    @Option(help: ArgumentHelp("Nodes that fall silent just before the first announce.", valueName: "share"))
    var dead: Share?

    @Option(help: ArgumentHelp("How fast the network is born: share of its size a second.", valueName: "share"))
    var growth: Share?

    @Option(help: ArgumentHelp("Virtual time between the last join and the first announce.", valueName: "seconds"))
    var warmUp: Seconds?

    func validate() throws {
        if let nodes, !(2...2_000_000).contains(nodes) { throw ValidationError("--nodes must be 2 to 2000000.") }
        if let jitter, !(0...10_000).contains(jitter) { throw ValidationError("--jitter must be 0 to 10000.") }
        if let growth, growth.value < 0.001 { throw ValidationError("--growth must be at least 0.001.") }
        let policies = (classicShare?.value ?? 0) + (libtorrentShare?.value ?? 0)
        guard policies <= 1 else {
            throw ValidationError("--classic-share and --libtorrent-share must be at most 1 together.")
        }
    }

    /// Changes what was given.
    func apply(to options: inout SimulationOptions) throws {
        try apply(to: &options.population)
        if let latency { options.latency = try latency.model() }
        apply(to: &options.faults)
        if let dead { options.deadShare = dead.value }
        if let warmUp { options.warmUp = warmUp.duration }
    }

    func apply(to options: inout MagnetOptions) throws {
        try apply(to: &options.population)
        if let latency { options.latency = try latency.model() }
        apply(to: &options.faults)
        if let dead { options.deadNodeShare = dead.value }
        if let warmUp { options.warmUp = warmUp.duration }
    }

    private func apply(to faults: inout FaultRules) {
        if let loss { faults.lossShare = loss.value }
        if let duplication { faults.duplicationShare = duplication.value }
        if let jitter { faults.jitter = .milliseconds(jitter) }
    }

    private func apply(to population: inout PopulationOptions) throws {
        if let nodes { population.nodeCount = nodes }
        if let configuration { population.configuration = configuration.configuration }
        if let churn { population.sessions = churn.sessions }
        if let nat { population.nat = NATShares.measured.scaled(to: nat.value) }
        if let hostile { population.hostileShare = hostile.value }
        if let classicShare { population.classicShare = classicShare.value }
        if let libtorrentShare { population.libtorrentLikeShare = libtorrentShare.value }
        if let insecureShare { population.insecureIDShare = insecureShare.value }
        if let bep5Share {
            population.refusesNewVerbsShare = bep5Share.value / 2
            population.ignoresNewVerbsShare = bep5Share.value / 2
        }
        if let noTokenShare { population.noTokenShare = noTokenShare.value }
        if let readOnlyShare { population.readOnlyShare = readOnlyShare.value }
        if let growth { population.growthPerSecond = growth.value }
        guard population.classicShare + population.libtorrentLikeShare <= 1 else {
            throw ValidationError("--classic-share and --libtorrent-share must be at most 1 with those of the preset.")
        }
    }
}

extension NodeConfiguration: ExpressibleByArgument {}
