import Testing

/// The matrix of Tools/Interop in short: other clients and us, both ways, through a tracker or the DHT alone.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
        .enabled(if: Machine.opentracker != nil, "no opentracker: Bootstrap/setup test unpacks it"),
        .enabled(if: Machine.mayMakeNetworks, Comment(rawValue: Machine.networkReason)),
        .timeLimit(.minutes(20)))
    struct RealClientTests {
        @Test func libtorrent() async throws { try await expectAll(of: "libtorrent") }

        @Test(.enabled(if: Machine.has("aria2c"), "aria2c is not installed"))
        func aria2() async throws { try await expectAll(of: "aria2") }

        /// Its DHT takes most of a minute: only the whole matrix has that.
        @Test(.enabled(if: Machine.has("transmission-cli"), "transmission-cli is not installed"))
        func transmission() async throws { try await expectAll(of: "transmission", by: ["tracker"]) }

        @Test(.enabled(if: Machine.has("rtorrent"), "rtorrent is not installed"))
        func rTorrent() async throws { try await expectAll(of: "rtorrent") }

        @Test(.enabled(if: Machine.has("qbittorrent-nox"), "qbittorrent-nox is not installed"))
        func qBittorrent() async throws { try await expectAll(of: "qbittorrent") }

        @Test(.enabled(if: Machine.has("deluged"), "deluged is not installed"))
        func deluge() async throws { try await expectAll(of: "deluge") }

        private func expectAll(of client: String, by discovery: [String] = ["tracker", "dht"]) async throws {
            try await Lab.run { lab in
                let choice = ["--clients", client, "--discovery", discovery.joined(separator: ",")]
                let matrix = try lab.startScript("matrix", choice + ["--quick", "--jobs", "4", "--timeout", "400"])
                let run = try await matrix.end(within: 110)
                #expect(run.code == 0, run.comment)
                let cells = try run.events()
                #expect(cells.count == 2 * discovery.count, run.comment)
                #expect(cells.allSatisfy { $0["ok"] == .bool(true) }, run.comment)
            }
        }
    }
}
