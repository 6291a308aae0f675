import Kademlia
import Primitives

/// What goes wrong in one run: each kind of fault is there or not, by the toss of a coin, and as bad as chance wants.
///
/// Runs of few kinds each find what runs of all kinds hide ("swarm testing", Groce and others, ISSTA 2012).
package struct FaultMix: Equatable, Sendable {
    package var lossShare = 0.0
    package var duplicationShare = 0.0
    package var jitter = Duration.zero
    package var delayedShare = 0.0
    package var hasPartitions = false
    package var hasOutages = false
    package var natShare = 0.0
    package var hostileShare = 0.0
    package var classicShare = 0.0
    package var libtorrentLikeShare = 0.0
    package var insecureIDShare = 0.0
    package var oldClientShare = 0.0
    package var noTokenShare = 0.0
    package var readOnlyShare = 0.0
    /// How many times faster than in Mainline nodes come and go; 0: nobody does.
    package var churn = 0.0

    package init() {}

    static func draw(using generator: inout SeededGenerator) -> FaultMix {
        var mix = FaultMix()
        func share(upTo limit: Double) -> Double {
            let isThere = Bool.random(using: &generator)
            let value = Double.random(in: 0...limit, using: &generator)
            return isThere ? (value * 1000).rounded() / 1000 : 0
        }
        mix.lossShare = share(upTo: 0.3)
        mix.duplicationShare = share(upTo: 0.2)
        mix.jitter = .milliseconds(Int(share(upTo: 0.5) * 1000))
        mix.delayedShare = share(upTo: 0.1)
        mix.hasPartitions = share(upTo: 1) > 0
        mix.hasOutages = share(upTo: 1) > 0
        mix.natShare = share(upTo: 0.6)
        mix.hostileShare = share(upTo: 0.2)
        mix.classicShare = share(upTo: 0.4)
        mix.libtorrentLikeShare = share(upTo: 0.4)
        mix.insecureIDShare = share(upTo: 1)
        mix.oldClientShare = share(upTo: 0.4)
        mix.noTokenShare = share(upTo: 0.2)
        mix.readOnlyShare = share(upTo: 0.2)
        mix.churn = (share(upTo: 60)).rounded()
        return mix
    }

    /// The network of so many nodes that these faults are in.
    func population(of nodeCount: Int) -> PopulationOptions {
        var options = PopulationOptions()
        options.nodeCount = nodeCount
        options.configuration = Configuration()
        options.nat = .measured.scaled(to: natShare)
        options.hostileShare = hostileShare
        options.classicShare = classicShare
        options.libtorrentLikeShare = libtorrentLikeShare
        options.insecureIDShare = insecureIDShare
        options.refusesNewVerbsShare = oldClientShare / 2
        options.ignoresNewVerbsShare = oldClientShare / 2
        options.noTokenShare = noTokenShare
        options.readOnlyShare = readOnlyShare
        options.sessions = churn > 0 ? .measured.accelerated(by: churn) : nil
        return options
    }

    /// What the wires do while things go wrong.
    func rules(using generator: inout SeededGenerator) -> FaultRules {
        var rules = FaultRules(lossShare: lossShare)
        rules.duplicationShare = duplicationShare
        rules.jitter = jitter
        rules.delayedShare = delayedShare
        let (isDivided, salt) = (Bool.random(using: &generator), generator.next())
        if hasPartitions, isDivided {
            rules.partition = .init(share: Double.random(in: 0.1...0.5, using: &generator), salt: salt)
        }
        return rules
    }
}
