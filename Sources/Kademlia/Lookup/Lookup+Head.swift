import KRPC
import Primitives

/// The head of the list: everything up to the k-th node that has answered, and whom of it to ask next.
extension Lookup {
    struct Head {
        /// Whom to ask now.
        var choice: Int?
        /// Those that have answered.
        var live = 0
        /// The queries outstanding, in the unit of the limit.
        var load = 0.0
        var limit = 0.0
        /// The list ends before k have answered, and another query could be sent.
        var isDry = false
    }

    /// Looks through the list, nearest first, up to the first candidate that may be asked now.
    ///
    /// - Parameter includingInsecure: nobody else is left. While besieged or wary, nodes whose address does not allow
    ///   their id are only asked then; without a siege they count then, too.
    func head(includingInsecure: Bool = false) -> Head {
        var head = Head()
        let passesOverInsecure = (isBesieged || rules.isWary) && !includingInsecure
        let countsInsecure = !isBesieged && !passesOverInsecure
        head.limit = limit
        var isInAll = false
        if case .total = rules.search.concurrency {
            isInAll = true
            head.load = Double(candidates.count { $0.state == .asked })
        }
        for (rank, index) in order.enumerated() {
            guard head.load < head.limit else { return head }
            let candidate = candidates[Int(index)]
            switch candidate.state {
            case .answered:
                if countsInsecure || candidate.isSecure { head.live += 1 }
                if isComplete(head.live, at: candidate) { return head }
            case .asked: head.load += isInAll ? 0 : weight(candidate)
            case .fresh where passesOverInsecure && !candidate.isSecure: continue
            case .fresh:
                head.choice = choice(from: rank)
                return head
            case .stalled, .failed: continue
            }
        }
        head.isDry = head.load < head.limit
        return head
    }

    /// Whether the search may end with a node that answered.
    private func isComplete(_ live: Int, at candidate: Candidate) -> Bool {
        guard live >= rules.k else { return false }
        guard isBesieged, answeredCount < rules.search.storeLimit * 2, let neighbourhood = rules.neighbourhood
        else { return true }
        return distanceShare(of: candidate) >= neighbourhood
    }

    /// How much may be outstanding.
    private var limit: Double {
        var limit: Double
        var unit = 1.0
        switch rules.search.concurrency {
        case .total(let count), .head(let count): limit = Double(count)
        case .expected(let answers, let narrowing):
            unit = rules.hearsayShare
            let answered = answeredNearby
            limit = min(max(answers - narrowing * Double(answered), unit), Double(max(rules.k - answered, 1)))
        }
        if case .answered(let oneOf, let queries) = rules.search.floodGuard, queriedCount >= 2 * rules.k,
            answeredCount * oneOf < queriedCount
        {
            limit = min(limit, Double(queries) * unit)
        }
        return limit
    }

    /// How many of the k nearest that are not known to be silent have answered: none on the way, most near the target.
    private var answeredNearby: Int {
        var (rank, answered) = (0, 0)
        for index in order where rank < rules.k {
            switch candidates[Int(index)].state {
            case .answered: (rank, answered) = (rank + 1, answered + 1)
            case .fresh, .asked: rank += 1
            case .stalled, .failed: break
            }
        }
        return answered
    }

    /// How much of the limit a query takes.
    private func weight(_ candidate: Candidate) -> Double {
        guard case .expected = rules.search.concurrency else { return 1 }
        // Loss takes a share of the answers of the living, too.
        return candidate.provenance == .proven ? max(0.8, rules.hearsayShare) : rules.hearsayShare
    }

    /// The candidate at `rank`, or one at about the same distance that is likelier to answer.
    private func choice(from rank: Int) -> Int {
        let first = Int(order[rank])
        if let fastest = fastestNeighbour(from: rank) { return fastest }
        guard rules.search.prefersLikely else { return first }
        let width = candidates[first].contact.id.distance(to: target).bitWidth
        var best = first
        for index in order[rank...] {
            let candidate = candidates[Int(index)]
            guard candidate.contact.id.distance(to: target).bitWidth == width else { break }
            let isOfItsKind = !isBesieged && !rules.isWary || candidate.isSecure == candidates[first].isSecure
            guard candidate.state == .fresh, isOfItsKind else { continue }
            if candidate.likelihood > candidates[best].likelihood { best = Int(index) }
        }
        return best
    }

    /// Of the k nearest that answered us lately, are in the target's neighbourhood and were not asked, the one that
    /// answers fastest.
    private func fastestNeighbour(from rank: Int) -> Int? {
        guard rules.search.prefersFast, !isBesieged, let neighbourhood = rules.neighbourhood else { return nil }
        var best: (index: Int, roundTrip: Duration)?
        // Twice as far the k nearest seldom reach: there the list has holes.
        for index in order.prefix(rules.k).dropFirst(rank) {
            let candidate = candidates[Int(index)]
            guard distanceShare(of: candidate) <= 2 * neighbourhood else { break }
            guard candidate.state == .fresh, candidate.provenance == .proven, let roundTrip = candidate.roundTrip
            else { continue }
            if best.map({ roundTrip < $0.roundTrip }) ?? true { best = (Int(index), roundTrip) }
        }
        return best?.index
    }
}
