import DequeModule
import Primitives

/// Who gives way when the list is full.
extension CandidateQueue {
    /// Whether there is room for one more of this source, named by `namer`.
    ///
    /// Endpoints that were given up go first. Else the source with most endpoints for its weight gives way, in it the
    /// namer with most. A newcomer whose own source and namer hold most is refused: a flood competes with itself.
    mutating func makeRoom(for turn: CandidateOrder.Turn, by namer: Endpoint) -> Bool {
        guard records.count >= configuration.candidatesMax else { return true }
        while let oldest = givenUp.popFirst() {
            guard records[oldest.endpoint]?.givenUpNumber == oldest.number else { continue }
            records[oldest.endpoint] = nil
            return true
        }
        guard let greediest = greediestSource, let victim = holders[greediest.rawValue].greediest else { return false }
        if turn == greediest {
            let ofNamer = holders[turn.rawValue].count(ofHostOf: namer)
            let held = records[victim].map { holders[turn.rawValue].count(ofHostOf: $0.namer ?? victim) } ?? 0
            guard ofNamer + 1 < held else { return false }
        }
        leaveOrder(victim)
        unshelve(victim)
        records[victim] = nil
        displacedCount += 1
        return true
    }

    private var greediestSource: CandidateOrder.Turn? {
        let turns = CandidateOrder.Turn.allCases.filter { holders[$0.rawValue].count > 0 }
        return turns.max { load($0) < load($1) }
    }

    /// Endpoints of a source, in parts of its share.
    private func load(_ turn: CandidateOrder.Turn) -> Int { holders[turn.rawValue].count * 4 / turn.weight }

    /// Counts the endpoint for its source, from where it may give way.
    mutating func shelve(_ endpoint: Endpoint) {
        guard let record = records[endpoint] else { return }
        holders[record.shelf.rawValue].insert(endpoint, heldBy: record.namer ?? endpoint)
    }

    /// The endpoint is in use or given up.
    mutating func unshelve(_ endpoint: Endpoint) {
        for turn in holders.indices { holders[turn].remove(endpoint) }
    }
}

extension CandidateOrder.Turn {
    /// Its part of a full list, beside those of the others.
    ///
    /// What has answered, and what the user and the trackers name, is worth more than what strangers say.
    fileprivate var weight: Int {
        switch self {
        case .answered, .given, .tracker: 4
        case .dht, .exchange: 2
        case .neighbour, .doubtful, .again: 1
        }
    }
}

/// A host, and the tracker, node or peer that named endpoints of it.
///
/// A namer of dead ports is not to keep us from a live one that another has named.
struct Naming: Hashable {
    let host: Endpoint
    let namer: Endpoint?

    init(_ endpoint: Endpoint, by namer: Endpoint?) {
        host = endpoint.host
        self.namer = namer?.host
    }
}

/// At which hosts attempts have failed, and none has succeeded: the other ports that the same namer has named are tried
/// later.
struct HostRecords {
    private var failures: [Naming: Int] = [:]
    private var answering: Set<Endpoint> = []

    /// Failures after which a host is doubtful.
    private static let failuresMax = 3
    /// Entries remembered; at the limit all are forgotten, which costs an order that helps and nothing else.
    private static let countMax = 4_096

    func isDoubtful(_ naming: Naming) -> Bool {
        failures[naming].map { $0 >= Self.failuresMax } ?? false && !answering.contains(naming.host)
    }

    mutating func failed(_ naming: Naming) {
        if failures.count >= Self.countMax, failures[naming] == nil { failures.removeAll(keepingCapacity: true) }
        failures[naming, default: 0] += 1
    }

    mutating func answered(_ endpoint: Endpoint) {
        if answering.count >= Self.countMax { answering.removeAll(keepingCapacity: true) }
        answering.insert(endpoint.host)
    }
}
