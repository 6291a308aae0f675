import PeerProtocol
import Primitives

/// The metadata of one advertised size in a `MetadataRace`, made of the pieces of all peers that offer it.
///
/// Until something is received it costs eight bytes for each piece of the advertised size.
struct SharedMetadata {
    struct Gift {
        let piece: Int
        let peer: PeerHandle
        let bytes: [UInt8]
    }

    let size: Int
    var peerCount = 0
    /// Each peer has an assembly of its own instead, since this one failed its hash.
    var isSeparate = false
    /// Peers that have a turn then.
    var turnCount = 0
    private(set) var heldBytes = 0
    /// What was kept at any time.
    private(set) var receivedBytes = 0
    private(set) var lastPieceAt = Instant.origin
    private var pieces: [Int: Gift] = [:]
    /// How many peers hold a request for each piece: all of them, and those that answer.
    private var askers: [UInt32]
    private var givers: [UInt32]
    /// All before it are here.
    private var firstMissing = 0

    /// Peers asked for the same piece at once: what the fastest answer costs.
    private static let askersMax = 3

    init(size: Int) {
        self.size = size
        let pieceCount = (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        askers = Array(repeating: 0, count: pieceCount)
        givers = askers
    }

    private var pieceCount: Int { askers.count }

    func length(of piece: Int) -> Int { min(MetadataMessage.pieceLength, size - piece * MetadataMessage.pieceLength) }

    /// Up to `room` pieces to ask of a peer, those first that the fewest are asked for.
    ///
    /// Requests at peers that have not answered yet do not count against a peer that has. A peer that is asked for
    /// nothing gets one piece whatever others hold.
    func choose(_ room: Int, for offer: MetadataOffer) -> [Int] {
        let counts = offer.isGiver ? givers : askers
        var byCount = Array(repeating: [Int](), count: Self.askersMax)
        var leastAsked: Int?
        for piece in firstMissing..<pieceCount where pieces[piece] == nil && !offer.isPending(piece) {
            let count = Int(counts[piece])
            if count < Self.askersMax, byCount[count].count < room { byCount[count].append(piece) }
            if byCount[0].count == room { break }
            if leastAsked.map({ askers[piece] < askers[$0] }) ?? true { leastAsked = piece }
        }
        let chosen = Array(byCount.joined().prefix(room))
        guard chosen.isEmpty, offer.pending.isEmpty, let leastAsked else { return chosen }
        return [leastAsked]
    }

    mutating func asked(_ piece: Int, isGiver: Bool) {
        askers[piece] += 1
        if isGiver { givers[piece] += 1 }
    }

    mutating func unasked(_ piece: Int, isGiver: Bool) {
        askers[piece] -= 1
        if isGiver { givers[piece] -= 1 }
    }

    /// The first copy counts.
    ///
    /// Returns by how many bytes memory has grown.
    mutating func keep(_ payload: [UInt8], as piece: Int, from peer: PeerHandle, now: Instant) -> Int {
        guard pieces[piece] == nil else { return 0 }
        pieces[piece] = Gift(piece: piece, peer: peer, bytes: payload)
        heldBytes += payload.count
        receivedBytes += payload.count
        lastPieceAt = now
        while firstMissing < pieceCount, pieces[firstMissing] != nil { firstMissing += 1 }
        return payload.count
    }

    /// All bytes, once every piece is here.
    var whole: [UInt8]? {
        guard pieces.count == pieceCount else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in 0..<pieceCount { bytes += pieces[piece]?.bytes ?? [] }
        return bytes
    }

    /// Empties the assembly; what it held, in the order of the pieces.
    mutating func takeGifts() -> [Gift] {
        let gifts = (0..<pieceCount).compactMap { pieces[$0] }
        _ = dropPieces()
        return gifts
    }

    /// Returns how many bytes are free now.
    mutating func dropPieces() -> Int {
        defer { heldBytes = 0 }
        pieces = [:]
        firstMissing = 0
        return heldBytes
    }
}
