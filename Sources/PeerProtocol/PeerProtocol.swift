// The peer wire protocol (BEP 3), its extension protocol (BEP 10) and the metadata exchange (BEP 9), without a socket.
//
// A connection is one byte stream each way. Both sides send a `Handshake` of 68 bytes that names the torrent, then
// length-prefixed messages for ever:
//
//     <length: 4 bytes> <id: 1 byte> <body: length - 1 bytes>          length 0, without an id, is a keep-alive
//
// Receiving: a `Session` per connection is fed the bytes that are there and answers with one `Session.Step` at a time:
// the handshake, a `Message` (a view: ranges into the bytes just passed), a part of a block's payload, or a fault.
// Block payloads never wait for their end and are never copied: the 13 bytes that open a piece message decide whether
// the block was asked for (`.store`) or not (`.discard`), and from then on whatever is there is handed on. So a session
// needs to know what was asked for: `Session.requested`, `OutstandingRequests`.
//
// Extensions: `ExtensionHandshake` and `MetadataMessage` read and write what travels in an extended message. The ids
// are each side's own choice: what we receive carries the id that *we* announced, what we send the one that the peer
// did.
//
// Sending: `Handshake`, `OutgoingMessage`, `ExtensionHandshake` and `MetadataMessage` append to a buffer that the
// caller owns, so that handshake, extension handshake and bitfield leave in one write.
//
// Nothing here knows which pieces exist where, who is choked or what to ask next: that is the swarm's.

/// The message ids of BEP 3, BEP 5, BEP 6 and BEP 10.
enum MessageID {
    static let choke: UInt8 = 0
    static let unchoke: UInt8 = 1
    static let interested: UInt8 = 2
    static let notInterested: UInt8 = 3
    static let have: UInt8 = 4
    static let bitfield: UInt8 = 5
    static let request: UInt8 = 6
    static let piece: UInt8 = 7
    static let cancel: UInt8 = 8
    static let port: UInt8 = 9
    static let suggest: UInt8 = 13
    static let haveAll: UInt8 = 14
    static let haveNone: UInt8 = 15
    static let reject: UInt8 = 16
    static let allowedFast: UInt8 = 17
    static let extended: UInt8 = 20
}

/// A part of a piece, as requested, cancelled and delivered: the unit of transfer.
package struct BlockRequest: Hashable, Sendable {
    package var piece: Int
    /// From the start of the piece, in bytes.
    package var offset: Int
    /// In bytes; 16 KiB, except at the end of a piece.
    package var length: Int

    /// What every client asks for and serves; larger ones are refused by many (BEP 3).
    package static let usualLength = 16 * 1024

    package init(piece: Int, offset: Int, length: Int) {
        self.piece = piece
        self.offset = offset
        self.length = length
    }

    /// One word tells blocks apart, and is hashed at a third of the cost of three: each block is looked up often.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(piece << 32 ^ offset)
    }
}
