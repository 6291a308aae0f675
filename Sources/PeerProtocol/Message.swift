/// A received message other than `piece`, whose payload is handed on in parts (`Session.Step.payload`).
///
/// Ranges are offsets into the bytes that were passed to `Session.received` and are good only until the caller moves
/// them.
package enum Message: Hashable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    /// The peer has this piece. Below the piece count if the torrent is known, else any 32-bit number.
    case have(Int)
    /// One bit per piece, high bit first. Of the right length if the torrent is known, else up to
    /// `Session.Limits.bitfieldBytesBeforeTorrent`: keep a copy and check it then. Spare bits are not checked.
    case bitfield(Range<Int>)
    /// Within its piece if the torrent is known, else of any piece and offset; 1 to `Session.Limits.requestBytes`
    /// bytes.
    case request(BlockRequest)
    /// Not checked: what matches no request means nothing.
    case cancel(BlockRequest)
    /// The UDP port of the peer's DHT node (BEP 5).
    case port(UInt16)
    /// The peer would like to be asked for this piece, which it holds in memory (BEP 6).
    case suggest(Int)
    /// In place of a bitfield (BEP 6).
    case haveAll
    case haveNone
    /// The peer will not answer this request (BEP 6). Not checked, as `cancel`.
    case reject(BlockRequest)
    /// Blocks of this piece are given even while the peer chokes us (BEP 6).
    case allowedFast(Int)
    /// Id 0 is the `ExtensionHandshake`, others are those that we announced: see `ExtensionID` (BEP 10).
    case extended(id: UInt8, payload: Range<Int>)
    /// Not understood, and to be ignored; its body of `length` bytes is skipped as it comes.
    case unknown(id: UInt8, length: Int)
}
