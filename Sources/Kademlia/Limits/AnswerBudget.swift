import Primitives

/// What those who ask us may cost us and others: by source, by network, and together.
struct AnswerBudget: Sendable {
    enum Refusal: Error, Sendable { case sourceRate, networkRate, answerBytes }

    /// One query that may be answered, and how it is paid for.
    ///
    /// It is good until the next packet comes.
    struct Account: Sendable {
        fileprivate var host = -1
        fileprivate var network = -1
        /// How long the answer may be.
        fileprivate(set) var room = Int.max

        /// Nothing is counted.
        static let unlimited = Account()
    }

    /// With the find_node that a poor table needs instead of a ping.
    private static let pingByteCount = 110
    /// The share of one network, and what an answer is taken to be long.
    private static let shareDivisor = 8
    private static let usualAnswerByteCount = 512

    private let isPublic: Bool
    private let bytesPerByte: Int?
    private let totalCapacity: Int
    private let proofLifetime: Duration
    private let hash: KeyedHash
    private var hosts: SourceLimiter
    /// Not used in private networks, where all nodes share one.
    private var networks: SourceLimiter
    /// Bytes left for everybody who has not proved an address.
    private var totalLeft: Int
    private var answerBytes: TokenBucket?
    /// What each network (each endpoint in private networks) that has not proved its address may have of `answerBytes`
    /// while more than a quarter of the burst is used up.
    private var shares: SourceLimiter
    private var networkRate = 0
    private var answerBytesRefused = 0
    private var proofs = 0
    /// Answers that were made shorter, and those that were not given at all, for what the asker may be sent.
    var shortened = 0
    var unproven = 0

    init(_ budgets: Budgets, mode: NetworkMode, key: (UInt64, UInt64), now: Instant) {
        isPublic = mode == .public
        bytesPerByte = budgets.answerBytesPerQueryByte.map { min(max($0, 0), 1 << 10) }
        totalCapacity = max(0, budgets.answerBurstInTotal)
        totalLeft = totalCapacity
        proofLifetime = budgets.proofLifetime
        hash = KeyedHash(key: key)
        var rules = SourceLimiter.Rules(
            queriesPerSecond: budgets.queriesPerSecondPerSource, queryBurst: budgets.queryBurstPerSource,
            bytesPerByte: bytesPerByte, byteBurst: budgets.answerBurstPerSource, memory: budgets.sourceMemory,
            slotLimit: budgets.trackedSourceCount)
        hosts = SourceLimiter(rules)
        rules.queriesPerSecond = budgets.queriesPerSecondPerNetwork
        rules.queryBurst = budgets.queryBurstPerNetwork
        rules.byteBurst = budgets.answerBurstPerNetwork
        rules.slotLimit = budgets.trackedNetworkCount
        networks = SourceLimiter(rules)
        let share = (budgets.answerBytesPerSecond ?? 0) / Self.shareDivisor / Self.usualAnswerByteCount
        shares = SourceLimiter(
            SourceLimiter.Rules(
                queriesPerSecond: max(1, share), queryBurst: max(2, 2 * share), slotLimit: budgets.trackedNetworkCount))
        answerBytes = budgets.answerBytesPerSecond.map { TokenBucket(perSecond: $0, burst: $0, now: now) }
    }

    /// A query came: whether it may be answered.
    ///
    /// - Parameter isMalformed: an answer would only be an error, which gives way to real ones.
    mutating func admit(
        _ source: Endpoint, byteCount: Int, isMalformed: Bool, now: Instant
    ) -> Result<Account, Refusal> {
        answerBytes?.refill(now: now)
        guard answerBytes?.has(reserveEighths: isMalformed ? 6 : 0) != false else { return refusedForBytes() }
        guard let host = hosts.entered(key(of: source), byteCount: byteCount, now: now) else {
            return .failure(.sourceRate)
        }
        var account = Account()
        account.host = host
        guard !hosts.isProven(port: source.port, at: host, now: now) else { return .success(account) }
        // The lower half is kept for proved sources. Forged ones name a new network each time, and pass every share.
        if let answerBytes, !answerBytes.has(reserveEighths: 4) { return refusedForBytes() }
        if let answerBytes, !answerBytes.has(reserveEighths: 6) {
            let key = hash.key(of: isPublic ? source.prefix : source)
            guard shares.entered(key, byteCount: 0, now: now) != nil else { return refusedForBytes() }
        }
        account.room = hosts.room(at: host)
        if isPublic {
            let key = hash.key(of: source.prefix)
            guard let network = networks.entered(key, byteCount: byteCount, now: now) else {
                networkRate += 1
                return .failure(.networkRate)
            }
            account.network = network
            account.room = min(account.room, networks.room(at: network))
        }
        if let bytesPerByte {
            totalLeft = min(totalCapacity, totalLeft + byteCount * bytesPerByte)
            account.room = min(account.room, totalLeft)
        }
        return .success(account)
    }

    private mutating func refusedForBytes() -> Result<Account, Refusal> {
        answerBytesRefused += 1
        return .failure(.answerBytes)
    }

    /// So much was answered.
    mutating func spent(_ byteCount: Int, by account: Account) {
        answerBytes?.take(byteCount)
        // What a proved source is sent is counted by time only.
        guard account.room != .max else { return }
        hosts.spent(byteCount, at: account.host)
        if account.network >= 0 { networks.spent(byteCount, at: account.network) }
        totalLeft -= byteCount
    }

    /// Pays for a ping to see whether the source is there, which goes to the same address as the answer.
    mutating func paysForPing(by account: Account) -> Bool {
        guard account.room != .max else { return true }
        let ofNetwork = isPublic ? networks.room(at: account.network) : .max
        let left = min(hosts.room(at: account.host), ofNetwork, totalLeft)
        guard left >= Self.pingByteCount else { return false }
        spent(Self.pingByteCount, by: account)
        return true
    }

    /// The source answered a query of ours: the address is its own.
    mutating func proved(_ source: Endpoint, now: Instant) {
        proofs += 1
        hosts.proved(key(of: source), port: source.port, until: now + proofLifetime, now: now)
    }

    /// The source used a token that it was sent.
    mutating func proved(_ account: inout Account, port: UInt16, now: Instant) {
        guard account.host >= 0 else { return }
        proofs += 1
        hosts.proved(port: port, until: now + proofLifetime, at: account.host)
        account.room = .max
    }

    private func key(of source: Endpoint) -> UInt64 { hash.key(of: isPublic ? source.host : source) }

    var trackedSourceCount: Int { hosts.trackedCount }
    var forgottenCount: Int { hosts.forgottenCount + networks.forgottenCount }

    func describe(_ statistics: inout BudgetStatistics) {
        statistics.answerBytesLeft = answerBytes?.tokens
        statistics.unprovenBytesLeft = bytesPerByte.map { _ in totalLeft }
        statistics.trackedNetworks = networks.trackedCount
        statistics.networkRate = networkRate
        statistics.answerBytes = answerBytesRefused
        statistics.shortened = shortened
        statistics.unproven = unproven
        statistics.proofs = proofs
    }
}
