import PeerProtocol
import Primitives

let torrentHash = InfoHash(high: 0x0123_4567_89ab_cdef, middle: 0xfedc_ba98_7654_3210, low: 0xdead_beef)
let otherHash = InfoHash(high: 1, middle: 2, low: 3)
/// 10 pieces of 64 KiB, but for the last, which has 1,000 bytes.
let layout = TorrentLayout(pieceLength: 65536, totalLength: 9 * 65536 + 1000)

let ourID: PeerID = peerID(number: 1)
let theirID: PeerID = peerID(number: 2)

func peerID(number: UInt64) -> PeerID {
    var generator = SeededGenerator(number: number)
    return PeerID(prefix: "-ML0001-", using: &generator)
}

func theirHandshake(_ infoHash: InfoHash = torrentHash) -> Handshake {
    Handshake(capabilities: [.extensionProtocol, .dht], infoHash: infoHash, peerID: theirID)
}

/// What `encode` appends.
func encoded(_ encode: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    encode(&bytes)
    return bytes
}

func frame(id: UInt8, _ body: [UInt8]) -> [UInt8] {
    encoded { $0.appendBigEndian(UInt32(body.count + 1)) } + [id] + body
}

/// A piece message with payload that depends on the block.
func pieceMessage(_ block: BlockRequest) -> [UInt8] {
    encoded { OutgoingMessage.pieceHeader(block).encode(into: &$0) } + payload(of: block)
}

func payload(of block: BlockRequest) -> [UInt8] {
    (0..<block.length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ block.piece &+ block.offset / 16384) }
}

func block(_ piece: Int, _ index: Int = 0) -> BlockRequest {
    BlockRequest(piece: piece, offset: index * BlockRequest.usualLength, length: BlockRequest.usualLength)
}

/// A session that called its peer.
func freshSession(_ limits: Session.Limits = Session.Limits()) -> Session {
    Session(role: .initiator, infoHash: torrentHash, ourPeerID: ourID, limits: limits, now: .origin)
}

/// A session past its handshake, with the torrent unknown.
func openFeeder(_ limits: Session.Limits = Session.Limits()) -> SessionFeeder {
    var feeder = SessionFeeder(freshSession(limits))
    feeder.feed(encoded(theirHandshake().encode))
    return feeder
}

extension SessionFeeder {
    /// All events after the handshake.
    var eventsAfterHandshake: [Event] { Array(events.dropFirst()) }
}
