import KRPC
import Primitives

/// The gate: what may be answered, and what may be asked (`Budgets`).
extension Node {
    // MARK: Answers

    /// Whether a query may be answered; then its account is in `origin`.
    mutating func admits(
        _ origin: inout Origin, _ packet: RawSpan, isMalformed: Bool = false, now: Instant
    ) -> Bool {
        guard !configuration.isReadOnly else {
            counters.refused.readOnly += 1
            return false
        }
        guard makeAnswerBudget(now: now) else {
            noteFlow(to: origin.endpoint, now: now)
            return true
        }
        let verdict = answerBudget.value.admit(
            origin.endpoint, byteCount: packet.byteCount, isMalformed: isMalformed, now: now)
        switch verdict {
        case .success(let account):
            origin.account = account
            noteFlow(to: origin.endpoint, now: now)
            return true
        case .failure(.sourceRate):
            counters.refused.rateLimited += 1
            return false
        case .failure: return false
        }
    }

    /// The asker used a token that we sent it: it is where it says it is.
    mutating func proved(_ origin: inout Origin, now: Instant) {
        guard !answerBudget.isEmpty else { return }
        answerBudget.value.proved(&origin.account, port: origin.endpoint.port, now: now)
    }

    /// A node answered a query of ours.
    mutating func proved(_ source: Endpoint, now: Instant) {
        guard makeAnswerBudget(now: now) else { return }
        answerBudget.value.proved(source, now: now)
    }

    /// Whether the asker may be pinged as well as answered.
    mutating func paysForPing(_ origin: Origin) -> Bool {
        answerBudget.isEmpty || answerBudget.value.paysForPing(by: origin.account)
    }

    /// An answer is written from `start` on: it is paid for and sent.
    mutating func finishAnswer(from start: Int, _ origin: Origin, into outbox: inout Outbox) {
        if !answerBudget.isEmpty { answerBudget.value.spent(outbox.bytes.count - start, by: origin.account) }
        outbox.finishDatagram(from: start, to: origin.endpoint, via: origin.home)
    }

    /// Writes the answer again with less in it, or nothing: it is longer than what the asker may be sent.
    mutating func replyBriefly(
        _ content: ReplyContent, _ origin: Origin, _ packet: RawSpan, from start: Int, into outbox: inout Outbox
    ) {
        outbox.bytes.removeLast(outbox.bytes.count - start)
        var content = content
        let cuts: [(inout ReplyContent) -> Void] = [
            { $0.values = [] }, { $0.nodes6 = nil }, { $0.nodes = nil }, { $0.extra = .none },
        ]
        for cut in cuts {
            cut(&content)
            let byteCount = MessageEncoder.byteCount(
                of: content, transactionByteCount: origin.transaction.count, observed: origin.endpoint)
            guard byteCount <= origin.account.room else { continue }
            answerBudget.value.shortened += 1
            return reply(content, origin, packet, into: &outbox)
        }
        withhold(from: start, into: &outbox)
    }

    /// Takes back an answer that the asker may not be sent.
    mutating func withhold(from start: Int, into outbox: inout Outbox) {
        outbox.bytes.removeLast(outbox.bytes.count - start)
        answerBudget.value.unproven += 1
    }

    /// False while nothing about answers is limited.
    private mutating func makeAnswerBudget(now: Instant) -> Bool {
        if !answerBudget.isEmpty { return true }
        guard configuration.budgets.limitsAnswers else { return false }
        let key = (generator.next(), generator.next())
        answerBudget = Boxed(
            AnswerBudget(configuration.budgets, mode: configuration.networkMode, key: key, now: now))
        return true
    }

    // MARK: Queries

    /// Pays for a query that is about to be sent; if it may not be, says when to try again.
    mutating func budgetPause(before endpoint: Endpoint, _ urgency: Urgency, now: Instant) -> Instant? {
        guard makeQueryBudget(now: now) else { return nil }
        return queryBudget.value.pause(before: endpoint, urgency, now: now)
    }

    /// Somebody who is about to be answered takes room in routers as well.
    private mutating func noteFlow(to endpoint: Endpoint, now: Instant) {
        guard makeQueryBudget(now: now) else { return }
        queryBudget.value.answered(endpoint, now: now)
    }

    private mutating func makeQueryBudget(now: Instant) -> Bool {
        if !queryBudget.isEmpty { return true }
        guard configuration.budgets.limitsQueries else { return false }
        let key = (generator.next(), generator.next())
        queryBudget = Boxed(QueryBudget(configuration.budgets, key: key, now: now))
        return true
    }

    // MARK: -

    func describeBudgets(_ statistics: inout Statistics) {
        guard !answerBudget.isEmpty || !queryBudget.isEmpty else { return }
        var budgets = BudgetStatistics()
        if !queryBudget.isEmpty { queryBudget.value.describe(&budgets) }
        if !answerBudget.isEmpty {
            answerBudget.value.describe(&budgets)
            statistics.trackedSources = answerBudget.value.trackedSourceCount
            statistics.refused.forgottenSources = answerBudget.value.forgottenCount
        }
        statistics.budgets = budgets
    }
}

extension Purpose {
    /// How urgent a query is if nobody says more about it.
    var urgency: Urgency {
        switch self {
        case .lookup, .announce, .token, .ping: .caller
        case .upkeep: .upkeep
        case .verification: .verification
        }
    }
}

extension RunningLookup.Owner {
    var urgency: Urgency {
        switch self {
        case .caller: .caller
        case .node: .ownLookup
        }
    }
}
