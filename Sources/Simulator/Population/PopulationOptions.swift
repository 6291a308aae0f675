package import Kademlia
import Primitives

/// Who lives in a network, and how it grows.
package struct PopulationOptions: Sendable {
    package var nodeCount = 1000

    /// Earlier nodes that each node is told of.
    ///
    /// With one, and loss, a network can be born in two halves.
    package var bootstrapCount = 3

    /// How fast the network grows, as a share of its size per second of virtual time.
    ///
    /// Those who join at the same moment do not see each other, so a network that grows by several per cent in a
    /// round trip is a poor one (spike: 5% per millisecond lost half of all lookups; 0.1% lost one in fifty).
    package var growthPerSecond = 0.25

    /// The least time between two joins while the network is small, about a round trip.
    package var shortestJoinInterval = Duration.milliseconds(5)
    package var longestJoinInterval = Duration.milliseconds(250)

    /// Nodes of other policies than ours, as shares of all.
    package var classicShare = 0.0
    package var libtorrentLikeShare = 0.0

    package var nat = NATShares()

    /// Who comes and goes, while the size of the network stays; nil for nobody.
    package var sessions: SessionModel?

    /// Hostile nodes, of the kinds of `HostileNode` in equal parts, as a share of all.
    package var hostileShare = 0.0

    /// Clients without BEP 42, as a share of all; likewise the others.
    package var insecureIDShare = 0.0
    package var refusesNewVerbsShare = 0.0
    package var ignoresNewVerbsShare = 0.0
    package var noTokenShare = 0.0
    /// BEP 43: clients that answer nobody and say so.
    package var readOnlyShare = 0.0

    package var configuration = PopulationOptions.nodeConfiguration

    package init() {}

    /// The node as in production, but for what bounds others at the cost of memory.
    package static var nodeConfiguration: Configuration { NodeConfiguration.standard.configuration }

    func drawPolicy(using generator: inout SeededGenerator) -> Policy {
        let position = Double.random(in: 0..<1, using: &generator)
        if position < classicShare { return .classic }
        return position < classicShare + libtorrentLikeShare ? .libtorrentLike : .ours
    }

    func drawProfile(using generator: inout SeededGenerator) -> ClientProfile {
        var profile: ClientProfile = []
        let verbs = Double.random(in: 0..<1, using: &generator)
        if verbs < refusesNewVerbsShare {
            profile.insert(.refusesNewVerbs)
        } else if verbs < refusesNewVerbsShare + ignoresNewVerbsShare {
            profile.insert(.ignoresNewVerbs)
        }
        if Double.random(in: 0..<1, using: &generator) < insecureIDShare { profile.insert(.insecureID) }
        if Double.random(in: 0..<1, using: &generator) < noTokenShare { profile.insert(.givesNoTokens) }
        return profile
    }
}
