package import Client
import Glibc
package import Primitives
package import Storage
package import Swarm

/// What a host reports, in the order in which it happened.
package enum HostEvent: Sendable {
    case client(Client.Event)
    /// What the files of a torrent had to say: opened, failed and why. Pieces come as events of the client.
    case storage(TorrentHandle, StorageEvent)
    /// A socket that should last as long as the host is gone.
    case socketLost(Endpoint)
}

package enum HostError: Error, Equatable, CustomStringConvertible {
    /// The system refuses this local address or port.
    case cannotBind(Endpoint, errno: CInt)
    /// No address was given, or none of them exists here.
    case noUsableAddress
    /// The host was stopped, or had been started before.
    case notStartable

    package var description: String {
        switch self {
        case .cannotBind(let endpoint, let code): "cannot bind \(endpoint): \(String(cString: strerror(code)))"
        case .noUsableAddress: "no local address to use"
        case .notStartable: "a host can be started only once"
        }
    }
}
