import KRPC
package import Kademlia
package import Primitives

/// Whether what one node sends keeps to the rules, given what it received: watched on the wire, packet by packet.
///
/// It knows nothing of the node's insides. A node answers within the fact that asked, so an answer that does not
/// directly follow its query was not asked for.
package struct TrafficChecker: Sendable {
    /// A query that may be answered, once.
    private struct Question {
        let from: Endpoint
        let transaction: [UInt8]
        /// Nil for one that can only be refused.
        let method: Query.Method?
        let id: NodeID?
        /// What an announce came with.
        let token: [UInt8]
        let byteCount: Int
    }

    /// What was sent to one address, which has not shown to be there.
    private struct Account {
        var paid = 0
        var spent = 0
        /// When a query last came: after a silence the burst is there again.
        var lastQuery: Instant
        var isProven = false
    }

    private struct Gift: Hashable {
        let token: [UInt8]
        let to: Endpoint
        let infoHash: InfoHash
        let id: NodeID
    }

    /// Of the node that is watched.
    package struct Rules: Sendable {
        package var host: HostIndex
        package var own: Endpoint
        package var isPublic = true
        package var tokenLifetime = Duration.seconds(600)
        /// Nil: the bytes of answers are not limited.
        package var bytesPerByte: Int?
        package var burst = 4096
        package var sourceMemory = Duration.seconds(300)

        package init(host: HostIndex, own: Endpoint, _ configuration: Configuration) {
            (self.host, self.own) = (host, own)
            isPublic = configuration.networkMode == .public
            tokenLifetime = configuration.tokenRotation * 2
            bytesPerByte = configuration.budgets.answerBytesPerQueryByte
            burst = configuration.budgets.answerBurstPerSource
            sourceMemory = configuration.budgets.sourceMemory
        }
    }

    private let rules: Rules
    private var question: Question?
    /// Looked up only, and never iterated but for pruning.
    private var accounts: [Endpoint: Account] = [:]
    private var gifts: [Gift: Instant] = [:]
    private var answered: Set<NodeFacts.Entry> = []
    private var log = ViolationLog()

    package init(_ rules: Rules) {
        self.rules = rules
    }

    package var violations: [Violation] { log.violations }
    package var violationCount: Int { log.count }
    var violationLog: ViolationLog { log }

    /// Whether a message with an answer under this id ever came from there.
    package func hasAnswered(_ entry: NodeFacts.Entry) -> Bool { answered.contains(entry) }

    // MARK: What came

    package mutating func received(_ packet: RawSpan, from source: Endpoint, at now: Instant) {
        question = nil
        do {
            let message = try Message.decode(packet)
            switch message.body {
            case .query(let query):
                var token: [UInt8] = []
                if case .announcePeer(let announcement) = query.method { token = packet.copy(announcement.token) }
                let question = Question(
                    from: source, transaction: packet.copy(message.transaction), method: query.method, id: query.id,
                    token: token, byteCount: packet.byteCount)
                asked(question, at: now)
            case .response(let response):
                if case .v4(let endpoint) = source { answered.insert(.init(id: response.id, endpoint: endpoint)) }
                prove(source, at: now)
            case .error: break
            }
        } catch .refused(let transaction, _) {
            let question = Question(
                from: source, transaction: packet.copy(transaction), method: nil, id: nil, token: [],
                byteCount: packet.byteCount)
            asked(question, at: now)
        } catch {
            // Whatever it was, nothing may come back.
        }
    }

    /// A timer or a command, after which nothing may be answered.
    package mutating func interrupted() {
        question = nil
    }

    private mutating func asked(_ question: Question, at now: Instant) {
        self.question = question
        var account = accounts[question.from.host] ?? Account(lastQuery: now)
        if account.lastQuery.duration(to: now) >= rules.sourceMemory { (account.paid, account.spent) = (0, 0) }
        account.paid += question.byteCount
        account.lastQuery = now
        accounts[question.from.host] = account
    }

    private mutating func prove(_ source: Endpoint, at now: Instant) {
        accounts[source.host, default: Account(lastQuery: now)].isProven = true
    }

    // MARK: What is sent

    package mutating func sent(_ packet: RawSpan, to target: Endpoint, at now: Instant) {
        guard let message = try? Message.decode(packet) else {
            return add(.unreadablePacket, "\(packet.byteCount) bytes to \(target)", at: now)
        }
        let carriesItem: Bool
        switch message.body {
        case .query(let query):
            carriesItem = if case .put = query.method { true } else { false }
            checkDestination(target, at: now)
            // A ping to see whether the asker is there comes on top of the answer.
            if target.host == question?.from.host { spend(packet.byteCount, on: target, at: now) }
        case .response(let response):
            carriesItem = response.item != nil
            answer(message, packet, to: target, at: now)
            if let token = response.token { give(packet.copy(token), to: target, at: now) }
            checkToken(at: now)
            question = nil
        case .error:
            carriesItem = false
            answer(message, packet, to: target, at: now)
            question = nil
        }
        let limit = carriesItem ? KRPCLimits.itemMessageByteCount : KRPCLimits.messageByteCount
        if packet.byteCount > limit { add(.packetTooLong, "\(packet.byteCount) bytes to \(target)", at: now) }
    }

    private mutating func checkDestination(_ target: Endpoint, at now: Instant) {
        let isPossible = target.port != 0 && (!rules.isPublic || target.scope == .global)
        if !isPossible || target == rules.own { add(.impossibleDestination, "a query to \(target)", at: now) }
    }

    private mutating func answer(_ message: Message, _ packet: RawSpan, to target: Endpoint, at now: Instant) {
        guard let question, question.from == target, question.transaction == packet.copy(message.transaction) else {
            return add(.unaskedAnswer, "to \(target)", at: now)
        }
        spend(packet.byteCount, on: target, at: now)
    }

    private mutating func spend(_ byteCount: Int, on target: Endpoint, at now: Instant) {
        guard let factor = rules.bytesPerByte, var account = accounts[target.host], !account.isProven else { return }
        account.spent += byteCount
        accounts[target.host] = account
        // Until the query is known to have carried a good token: then it proves the address by itself.
        if let method = question?.method, case .announcePeer = method { return }
        guard account.spent > factor * account.paid + rules.burst else { return }
        add(.amplification, "\(account.spent) bytes to \(target) for \(account.paid)", at: now)
    }

    // MARK: Tokens

    private mutating func give(_ token: [UInt8], to target: Endpoint, at now: Instant) {
        guard let question, let id = question.id, let method = question.method else { return }
        let infoHash: ID160
        switch method {
        case .getPeers(let hash, _): infoHash = hash
        case .get(let hash, _): infoHash = hash
        default: return
        }
        gifts[Gift(token: token, to: target, infoHash: infoHash, id: id)] = now
        guard gifts.count > 4096 else { return }
        let oldest = now - rules.tokenLifetime
        gifts = gifts.filter { $0.value > oldest }
    }

    /// An announce is about to be confirmed.
    private mutating func checkToken(at now: Instant) {
        guard let question, let id = question.id, case .announcePeer(let announcement)? = question.method
        else { return }
        let gift = Gift(token: question.token, to: question.from, infoHash: announcement.infoHash, id: id)
        guard let given = gifts[gift], given + rules.tokenLifetime >= now else {
            return add(.foreignToken, "an announce by \(question.from)", at: now)
        }
        prove(question.from, at: now)
    }

    private mutating func add(_ rule: Violation.Rule, _ detail: String, at now: Instant) {
        log.add(Violation(rule, host: rules.host, at: now, detail))
    }
}
