/// How many nodes a network has, as far as lookups can tell.
package struct NetworkSize: Equatable, Sendable {
    /// Nodes that answer.
    package var nodes: Double
    /// Of `nodes`: two thirds of all estimates are nearer to the truth.
    package var standardError: Double

    package init(nodes: Double, standardError: Double) {
        self.nodes = nodes
        self.standardError = standardError
    }
}

/// The number of nodes from the distances at which lookups ended.
///
/// Ids are spread evenly, so the share of the key space out to the k-th node around a random target is a Gamma variable
/// with mean k/n. A sum over lookups has all that the distances say about n, and one lookup with sybils near its
/// target hardly changes it; older lookups fade away.
struct SizeEstimate: Sendable {
    /// Of what older lookups say, so much is left after another one: some fifty count.
    private static let fading = 0.98
    /// With fewer, the estimate is not used to judge anybody.
    private static let lookupsNeeded = 4.0

    private var nodes: Float = 0
    private var distances: Double = 0
    private var lookups: Float = 0

    /// - Parameter distance: of the `count`-th node, as a share of the key space.
    mutating func add(distance: Double, count: Int) {
        guard distance > 0, count > 0 else { return }
        nodes = nodes * Float(Self.fading) + Float(count)
        distances = distances * Self.fading + distance
        lookups = lookups * Float(Self.fading) + 1
    }

    /// Nil before the first lookup.
    var size: NetworkSize? {
        guard distances > 0, nodes > 1 else { return nil }
        // Of a Gamma variable's reciprocal the mean is 1/(shape - 1).
        let estimate = (Double(nodes) - 1) / distances
        return NetworkSize(nodes: estimate, standardError: estimate / max(Double(nodes) - 2, 1).squareRoot())
    }

    var isEmpty: Bool { nodes == 0 }

    /// The estimate, when it is good enough to act on.
    var reliableNodes: Double? { Double(lookups) >= Self.lookupsNeeded ? size?.nodes : nil }
}
