import Client
import Metainfo
import Swarm

/// Seeders and leechers of one torrent, which is number 7 for all of them.
extension World {
    private static let torrent = TorrentHandle(rawValue: 7)

    mutating func addSeeder(
        _ payload: Payload, seed: UInt64, configure: (inout Client.Configuration) -> Void = { _ in }
    ) -> Int {
        let machine = add(seed: seed, configure: configure)
        insertDisk(machine, Self.torrent, payload.disk)
        command(machine, .add(Self.torrent, .info(payload.info), options))
        return machine
    }

    mutating func addLeecher(
        _ payload: Payload, from peers: [Int], seed: UInt64,
        configure: (inout Client.Configuration) -> Void = { _ in },
        choose: (inout Client.TorrentOptions) -> Void = { _ in }
    ) -> Int {
        let machine = add(seed: seed, configure: configure)
        var options = options
        choose(&options)
        command(machine, .add(Self.torrent, .infoHash(payload.info.infoHash), options))
        command(machine, .addPeers(Self.torrent, peers.map { machines[$0].endpoint }, .user))
        return machine
    }

    private var options: Client.TorrentOptions {
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.listenPort = 6881
        return options
    }
}
