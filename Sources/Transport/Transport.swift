// How the client lives on a real network: sockets, timers and files for the value that decides.
//
// A program makes a `Host` and gives it torrents; all else here is inside of it. Nothing below decides about the
// protocol: the drivers turn what the system says into facts for `Client`, and its outputs into system calls.
//
// - `BoundHome` opens UDP and TCP of each local address on one port.
// - `HostLoop` owns the `Client` on one event loop: fact in, outputs out in order, one flush and one `LoopTimer` for
//   each batch.
// - `UDPDriver` reads datagrams 64 at a time, tells KRPC from uTP by the first byte, and refuses uTP (`UTPReset`).
// - `PeerConnection` is one TCP peer, `PeerStream` joins its reads, `PeerTable` makes and finds connections.
// - `PayloadSource` hands block payload to the storage, mostly as slices of the read buffer: the bytes of a download
//   are not copied between the socket and the hash.
// - `StorageTable` passes them to the workers of `Storage`, and their answers back to the loop.
// - `Resolver` asks the system for addresses of names; `Allocator` is what programs call before all else.
//
// Who waits for whom: a peer that does not read is bounded by the client's upload limits, and a disk that is behind
// stops reading from the peers that feed it. Both are facts that the client decides upon.

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
    /// What `--bind` named was lost, has returned, or has another address.
    case bind(BindNotice)
}

package enum HostError: Error, Equatable, CustomStringConvertible {
    /// The system refuses this local address or port.
    case cannotBind(Endpoint, errno: CInt)
    /// The system does not bind sockets to this network interface.
    case cannotHold(String, errno: CInt)
    /// No address was given, or none of them exists here.
    case noUsableAddress
    /// The host was stopped, or had been started before.
    case notStartable

    package var description: String {
        switch self {
        case .cannotBind(let endpoint, let code): "cannot bind \(endpoint): \(String(cString: strerror(code)))"
        case .cannotHold(let device, EPERM):
            "cannot bind sockets to \(device): Operation not permitted (it needs Linux 5.7, or CAP_NET_RAW)"
        case .cannotHold(let device, let code):
            "cannot bind sockets to \(device): \(String(cString: strerror(code)))"
        case .noUsableAddress: "no local address to use"
        case .notStartable: "a host can be started only once"
        }
    }
}
