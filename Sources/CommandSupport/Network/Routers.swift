// Made by Bootstrap/routers of Bootstrap/routers.txt: change that list, not this file.

/// The nodes to enter the DHT by when none is given, as `HOST:PORT`.
package enum Routers {
    package static let builtIn = [
        "router.bittorrent.com:6881",
        "dht.transmissionbt.com:6881",
        "dht.libtorrent.org:25401",
        "router.utorrent.com:6881",
        "dht.aelitis.com:6881",
    ]
}
