import PeerProtocol
import Primitives
import Swarm

/// What a rude peer wants done; carried out in order by the network.
struct RudeOutbox: Equatable {
    enum Action: Equatable {
        case connect(PeerHandle, Endpoint)
        case send(PeerHandle, [UInt8])
        /// A whole piece message; its payload is not made.
        case sendBlock(PeerHandle, BlockRequest)
        case close(PeerHandle)
        /// From now on it takes no more than this many bytes from the connection.
        case limitReading(PeerHandle, bytes: Int)
    }

    var actions: [Action] = []

    mutating func send(to peer: PeerHandle, _ write: (inout [UInt8]) -> Void) {
        var bytes: [UInt8] = []
        write(&bytes)
        if !bytes.isEmpty { actions.append(.send(peer, bytes)) }
    }

    mutating func send(_ message: OutgoingMessage, to peer: PeerHandle) {
        send(to: peer) { message.encode(into: &$0) }
    }
}
