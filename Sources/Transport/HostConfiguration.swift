package import Client
package import Kademlia
package import Primitives
package import Storage
import Swarm

/// Where a host lives on the network and what it may use.
package struct HostConfiguration: Sendable {
    /// The local addresses: one home of the DHT node, one UDP socket and one TCP listener each.
    ///
    /// Outgoing connections leave from the first of their family, and a family without an address is not used at all.
    /// Port 0 takes a free one, the same for UDP and TCP, and the same for all addresses that ask for 0.
    package var binds: [Endpoint] = [.v4(0, 0, 0, 0, port: 0), .v6(EndpointV6(high: 0, low: 0, port: 0))]

    /// Addresses that this machine cannot bind are left out, as long as one remains: machines without IPv6 are common.
    ///
    /// Off, `start` fails instead.
    package var skipsUnavailableBinds = false

    /// What of `--bind` each of the `binds` comes from, by address with port 0; empty without `--bind`.
    ///
    /// Sockets of an address that an interface lists are then bound to that interface too, and follow it while it
    /// changes.
    package var boundTo: [Endpoint: BindTarget] = [:]

    /// Whether peers can connect to us.
    ///
    /// A node of the DHT alone needs no TCP port.
    package var acceptsPeers = true

    /// Where neighbours are looked for (BEP 14); peers must be able to connect to us.
    package var localLinks: [LocalLink] = []

    /// How names of trackers are resolved.
    package var names = NameResolver.system

    package var client = Client.Configuration()

    /// What the DHT node of an earlier run left.
    package var nodeState: NodeState?

    /// How each torrent treats its files.
    ///
    /// What unfinished pieces may hold in memory is bounded once more by `client.swarm.storageBacklogBytesMax`, see
    /// `storageWithinBacklog`.
    package var storage = StorageConfiguration()

    /// What all decisions of the client draw from; one seed and the same network give the same run.
    package var seed: SeededGenerator.Seed

    /// When the system gives up a TCP connection attempt; the client usually does so before.
    package var connectTimeout: Duration = .seconds(30)

    /// Asked for as receive and send buffer of each UDP socket.
    ///
    /// The default of 208 KiB holds 166 replies, 4 MiB 6,500; the system may give less (`net.core.rmem_max`).
    package var udpBufferBytes = 4 << 20

    /// Pipes that carry blocks from files to sockets without a copy, each two descriptors and up to 256 KiB of blocks.
    ///
    /// Sixteen peers that are served have 16 MiB on their way at most. Blocks without a pipe are copied.
    package var blockPipesMax = 32

    /// A seed from the system.
    package init() {
        var system = SystemRandomNumberGenerator()
        seed = (system.next(), system.next(), system.next(), system.next())
    }

    /// The storage's settings with so little held back that reading, once stopped at the limit of the backlog, always
    /// goes on: what the storage holds until a piece is whole counts as backlog too.
    var storageWithinBacklog: StorageConfiguration {
        var storage = storage
        storage.maxBufferedBytes = min(storage.maxBufferedBytes, client.swarm.storageBacklogBytesMax / 4 * 3)
        storage.maxBufferedBytesPerPiece = min(storage.maxBufferedBytesPerPiece, storage.maxBufferedBytes)
        return storage
    }
}
