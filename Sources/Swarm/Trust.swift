import Primitives

/// How many requests a peer is trusted with: what it gave counts, not what it promises.
///
/// A peer begins with a full window of requests. One that is silent, or fails, is doubted until it gives a block:
/// other peers may be asked for what it owes, it is asked for one block at a time, and after each failure only when a
/// wait is over that doubles.
struct Trust {
    /// Requests at it hold nothing back from other peers.
    private(set) var isDoubted = false
    /// Whole blocks that were wanted.
    private(set) var givenBlocks = 0
    /// Verified pieces of which it gave at least one block.
    var verifiedPieces = 0
    /// How often it gave nothing for what it was asked, since it last gave a block.
    private(set) var failures = 0
    /// Not to be asked before this, while it is doubted.
    private(set) var retryAt: Instant
    private var rejectsLeft = Trust.rejectsInitial
    /// Times that it unchoked us, was asked, and choked us without a block, in a row.
    private var emptyTurns = 0
    private var hasGivenInTurn = false

    /// Rejects that cost nothing: as many as the first requests, so that one odd answer to all of them does no harm.
    static let rejectsInitial = 16
    /// Each block that it gives allows one reject more, up to this.
    static let rejectsMax = 64
    /// The second such turn is a failure: a peer may have to choke us before its first block is out.
    private static let emptyTurnsMax = 2
    /// The wait after the first failure; doubles with each.
    private static let firstWait: Duration = .seconds(1)
    /// So that a peer that recovers is noticed within about a minute.
    private static let doublingsMax = 6

    init(now: Instant) { retryAt = now }

    /// Has given, and is not silent now.
    var isGiver: Bool { givenBlocks > 0 && !isDoubted }

    func mayBeAsked(now: Instant) -> Bool { !isDoubted || now >= retryAt }

    mutating func gaveBlock() {
        givenBlocks += 1
        hasGivenInTurn = true
        rejectsLeft = min(rejectsLeft + 1, Self.rejectsMax)
        restore()
    }

    mutating func doubt() { isDoubted = true }

    /// It gave nothing for what it was asked.
    ///
    /// Answers to requests that were made before an earlier failure change nothing.
    mutating func failed(now: Instant, asksAgainAtOnce: Bool = false) {
        isDoubted = true
        guard failures == 0 || now >= retryAt else { return }
        failures += 1
        let wait = Self.firstWait * (1 << min(failures - 1, Self.doublingsMax))
        retryAt = asksAgainAtOnce && failures == 1 ? now : now + wait
    }

    /// It rejected a request; true if that was one too many.
    mutating func rejected(now: Instant) -> Bool {
        rejectsLeft = max(0, rejectsLeft - 1)
        guard rejectsLeft == 0 || failures > 0 else { return false }
        failed(now: now)
        return true
    }

    mutating func unchoked() { hasGivenInTurn = false }

    /// It chokes us; `wasAsked` if it owes blocks or has rejected some in this turn.
    ///
    /// Returns true if that is a failure. Else its rejects were for the choke, and are forgiven.
    mutating func choked(wasAsked: Bool, now: Instant) -> Bool {
        if !hasGivenInTurn, wasAsked {
            emptyTurns += 1
            if emptyTurns >= Self.emptyTurnsMax {
                failed(now: now)
                return true
            }
        }
        if hasGivenInTurn { restore() }
        if failures == 0 {
            isDoubted = false
            rejectsLeft = max(rejectsLeft, Self.rejectsInitial)
        }
        return false
    }

    private mutating func restore() {
        isDoubted = false
        failures = 0
        emptyTurns = 0
    }
}
