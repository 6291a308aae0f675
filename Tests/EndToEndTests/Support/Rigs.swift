import Foundation

/// A private DHT of libtorrent sessions.
struct LibtorrentNetwork {
    static let nodeCount = 8

    let rig: Child
    /// The node that newcomers ask first.
    let bootstrap: String

    init(in lab: Lab, _ options: [String] = []) async throws {
        rig = try lab.startRig("dht_network", ["--nodes", String(Self.nodeCount)] + options)
        bootstrap = try await rig.wait(for: "ready")["bootstrap"]?.string ?? ""
    }

    /// How many of the nodes hold this endpoint as good.
    func nodesThatTrust(_ endpoint: String) async throws -> Int {
        try await rig.ask("knows \(endpoint)", for: "knows")["good"]?.integer ?? 0
    }

    /// Has one of the nodes announce a peer of its own; returns when all that will take it have.
    func announce(_ infoHash: String, port: Int) async throws {
        rig.write("announce \(infoHash) \(port)")
        try await rig.wait(for: "the announce to be taken", within: 20) {
            let taken = try rig.events().filter { event in
                event.event == "announce_received" && event["info_hash"]?.string == infoHash
            }
            return taken.count >= Self.nodeCount - 1 ? true : nil
        }
    }

    /// What a stranger finds for an infohash.
    func peers(of infoHash: String) async throws -> [String] {
        try await rig.ask("peers \(infoHash)", for: "peers")["peers"]?.array?.compactMap(\.string) ?? []
    }
}

/// A seeder with libtorrent's default settings, which a lookup finds by now.
struct LibtorrentSeeder {
    let rig: Child
    let magnet: String
    let infoHash: String
    let size: Int
    let endpoint: String

    /// Seeds what lies at `path`, or with `torrent` what that is about, below the folder `path`.
    ///
    /// With `predecessor`, one that is gone, at its endpoint: libtorrent's nodes wait 15 s for each node that has left
    /// them before they let a newcomer announce.
    init(
        _ path: String, torrent: String? = nil, among network: LibtorrentNetwork,
        replacing predecessor: LibtorrentSeeder? = nil, in lab: Lab, _ options: [String] = []
    ) async throws {
        let source = torrent.map { ["--torrent", $0, "--save-path", path] } ?? ["--file", path]
        let place = predecessor?.endpoint.split(separator: ":").map(String.init) ?? [lab.address(), "0"]
        rig = try lab.startRig(
            "seeder",
            source + ["--address", place[0], "--port", place[1], "--bootstrap", network.bootstrap] + options)
        let ready = try await rig.wait(for: "ready")
        magnet = ready["magnet"]?.string ?? ""
        infoHash = ready["info_hash"]?.string ?? ""
        size = ready["size"]?.integer ?? 0
        endpoint = ready["endpoint"]?.string ?? ""
        _ = try await rig.wait(for: "announced")
    }

    func uploadedBytes() async throws -> Int {
        try await rig.ask("status", for: "status")["uploaded_bytes"]?.integer ?? 0
    }
}

/// The tracker of Erdgeist as Debian builds it: it serves the torrents on a list and no other.
struct Opentracker {
    let infoHash: String
    /// The same for HTTP and UDP.
    let endpoint: String
    private let process: Child

    init(of infoHash: String, in lab: Lab) async throws {
        guard let folder = Machine.opentracker else { throw Trouble("no opentracker") }
        let address = lab.address()
        let home = try lab.makeFolder("tracker")
        try Data((infoHash + "\n").utf8).write(to: URL(filePath: home + "/white"))
        self.infoHash = infoHash
        endpoint = "\(address):6969"
        // An address of its own, so its usual port is free.
        process = try lab.start([
            "env", "LD_LIBRARY_PATH=\(folder)/usr/lib", "\(folder)/usr/bin/opentracker", "-i", address, "-p", "6969",
            "-P", "6969", "-d", home, "-w", "white",
        ])
        try await process.wait(for: "the tracker to listen", within: 10) { [address] in
            Machine.accepts(address, port: 6969) ? true : nil
        }
    }

    func url(_ scheme: String) -> String { "\(scheme)://\(endpoint)/announce" }
}
