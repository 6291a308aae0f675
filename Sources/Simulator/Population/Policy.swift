package import Kademlia
import Primitives

/// How a node keeps its table and searches: the same code under other rules.
package enum Policy: String, CaseIterable, Hashable, Sendable {
    /// BEP 5 as it was written.
    case classic
    case libtorrentLike = "libtorrent-like"
    /// The defaults of `Configuration`.
    case ours

    /// `base` under the rules of this policy.
    package func configuration(_ base: Configuration) -> Configuration {
        var configuration = base
        switch self {
        case .classic: (configuration.table, configuration.search) = (.classic, .classic)
        case .libtorrentLike: (configuration.table, configuration.search) = (.libtorrentLike, .libtorrentLike)
        case .ours: break
        }
        return configuration
    }
}
