import PeerProtocol
import Primitives

/// What one peer offers in a `MetadataRace`, what it was asked for, and what it is known for.
struct MetadataOffer {
    struct Request {
        let piece: Int
        let sentAt: Instant
        /// It keeps others from being asked for the same piece.
        var isCounted: Bool
    }

    let size: Int
    /// At most `metadataRequestsPerPeerMax`.
    var pending: [Request] = []
    /// Asked for and given up: a late answer still counts.
    var late: Set<Int> = []
    private var hasAnswered = false
    /// Time-outs and rejects since the last answer.
    private(set) var failures = 0
    private(set) var restsUntil = Instant.origin
    var lastPieceAt = Instant.origin

    // After a mismatch.
    /// It is asked for an assembly of its own.
    var hasTurn = false
    /// When its turn began or ended.
    var turnChangedAt = Instant.origin
    private var pieces: [Int: [UInt8]] = [:]
    private(set) var heldBytes = 0
    /// What was kept at any time.
    private(set) var receivedBytes = 0
    /// All before it are here or asked for.
    private var nextPiece = 0

    /// The rest after the first failure; it doubles with each.
    private static let restMin: Duration = .seconds(1)

    init(size: Int) {
        self.size = size
    }

    private var pieceCount: Int { (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength }
    /// It gave a piece and has failed nothing since.
    var isGiver: Bool { hasAnswered && failures == 0 }

    func expects(_ piece: Int) -> Bool { isPending(piece) || late.contains(piece) }
    func isPending(_ piece: Int) -> Bool { pending.contains { $0.piece == piece } }

    mutating func answered() {
        hasAnswered = true
        failures = 0
        restsUntil = .origin
    }

    mutating func failed(now: Instant, restMax: Duration) {
        // Several requests that fail together are one failure.
        guard restsUntil <= now else { return }
        failures += 1
        restsUntil = now + min(restMax, Self.restMin * (1 << min(failures - 1, 16)))
    }

    /// Requests of that time or before are taken for lost.
    mutating func giveUp(sentBefore limit: Instant) {
        for request in pending where request.sentAt <= limit {
            late.insert(request.piece)
            nextPiece = min(nextPiece, request.piece)
        }
        pending.removeAll { $0.sentAt <= limit }
    }

    // MARK: An assembly of its own

    mutating func ownRequests(_ room: Int, now: Instant) -> [Int] {
        var chosen: [Int] = []
        while chosen.count < room, nextPiece < pieceCount {
            if pieces[nextPiece] == nil, !isPending(nextPiece) {
                chosen.append(nextPiece)
                pending.append(Request(piece: nextPiece, sentAt: now, isCounted: false))
            }
            nextPiece += 1
        }
        return chosen
    }

    /// Returns by how many bytes memory has grown.
    mutating func keep(_ payload: [UInt8], as piece: Int) -> Int {
        guard pieces[piece] == nil else { return 0 }
        pieces[piece] = payload
        heldBytes += payload.count
        receivedBytes += payload.count
        return payload.count
    }

    /// All bytes, once every piece is here.
    var whole: [UInt8]? {
        guard pieces.count == pieceCount else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in 0..<pieceCount { bytes += pieces[piece] ?? [] }
        return bytes
    }

    /// Returns how many bytes are free now.
    mutating func dropPieces() -> Int {
        defer { heldBytes = 0 }
        pieces = [:]
        nextPiece = 0
        return heldBytes
    }
}
