package import Primitives

/// What a peer did that ends its connection.
package enum PeerFault: Error, Hashable, Sendable {
    /// The stream does not open with the name of the protocol: another service, or an encrypted handshake.
    case badHandshake
    /// The peer answered for another torrent than the one it was called for.
    case wrongInfoHash(InfoHash)
    /// The peer id is our own: we called ourselves.
    case selfConnection
    /// The length prefix is above what this message may have in the present state.
    case messageTooLong(id: UInt8, length: Int)
    /// The length prefix is not one that this message can have.
    case malformedMessage(id: UInt8, length: Int)
    /// A have or a request beyond the last piece.
    case pieceOutOfRange(Int)
    /// A request of nothing, of too much, or beyond the end of its piece.
    case invalidRequest(BlockRequest)
    /// The bencoded part of an extended message cannot be read; for the owner, who reads those.
    case malformedExtension
    /// More messages that change nothing than any client has reason to send; for the owner, who counts them.
    case tooManyMessages

    /// How far the consequences go.
    package enum Scope: Hashable, Sendable {
        /// Close the connection; the peer may be tried again.
        case dropPeer
        /// Close the connection; the endpoint waits longer before it is called again: no honest client does this.
        ///
        /// The address is not refused: other peers may share it.
        case distrustPeer
    }

    package var scope: Scope {
        switch self {
        case .badHandshake, .wrongInfoHash, .selfConnection, .malformedExtension, .tooManyMessages: .dropPeer
        case .messageTooLong, .malformedMessage, .pieceOutOfRange, .invalidRequest: .distrustPeer
        }
    }
}
