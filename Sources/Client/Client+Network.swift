package import Kademlia
package import Primitives
import Swarm
import TrackerProtocol

/// Our own link: lost, and usable again.
extension Client {
    /// Nothing can be sent from any home: attempts to connect would say nothing about the peers.
    package mutating func networkLost(now: Instant) {
        isOffline = true
        for index in swarms.values.indices { swarms.values[index].swarm.networkLost() }
    }

    /// Packets leave from `home` again, whose sockets are at `local` now.
    ///
    /// Nodes, trackers and peers are asked at once, whatever has failed meanwhile.
    ///
    /// Trackers that know us at this address are not asked before they want to be.
    package mutating func homeReturned(
        _ home: HomeIndex, at local: Endpoint, now: Instant, into outbox: inout Outbox
    ) {
        guard node.homes.indices.contains(home), node.homes[home].family == local.family else { return }
        isOffline = false
        let isMoved = node.homes[home].local.host != local.host
        node.homeReturned(home, at: local, now: now, into: &outbox.dht)
        self.local?.networkReturned(now: now)
        for torrent in torrents {
            withSwarm(torrent, now: now, into: &outbox) { swarm, outbox in
                if isMoved, !local.isAnyAddress { swarm.weAre(local) }
                swarm.networkReturned(now: now, into: &outbox)
            }
            if let index = swarms.index(forKey: torrent) { swarms.values[index].search?.networkReturned(now: now) }
            continueSearch(of: torrent, now: now, into: &outbox)
            withSchedule(of: torrent, now: now, into: &outbox) {
                $0.networkReturned(isMoved: isMoved, now: now, into: &$1)
            }
        }
        settle(now: now, into: &outbox)
    }
}
