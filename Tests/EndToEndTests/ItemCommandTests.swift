import Foundation
import Testing

/// `put`, `get`, `scrape` and `sample` against our own nodes.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct ItemCommandTests {
        private let infoHash = String(repeating: "0b", count: 20)

        private func run(_ lab: Lab, _ arguments: [String]) async throws -> Ending {
            try await lab.startProgram("dhtnode", arguments).end(within: 20)
        }

        @Test func anItemIsGotByItsTarget() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let entry = ["--bootstrap", network.bootstrap]
                let put = try await run(lab, ["put", "Hello World!"] + entry)
                // The vector of BEP 44.
                #expect(put.code == 0 && put.output == "e5f96f6f38320f0f33959cb4d3d656452117aadb\n", put.comment)
                let get = try await run(lab, ["get", "e5f96f6f38320f0f33959cb4d3d656452117aadb"] + entry)
                #expect(get.code == 0 && get.output == "Hello World!\n", get.comment)
                let nothing = try await run(lab, ["get", infoHash] + entry)
                #expect(nothing.code == 4 && nothing.output.isEmpty, nothing.comment)
            }
        }

        @Test func aKeyPointsAtTheNewestTorrent() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let entry = ["--bootstrap", network.bootstrap]
                let named = ["--key", lab.path("key"), "--salt", "s"]
                var link = ""
                for (version, infoHash) in [String(repeating: "0c", count: 20), infoHash].enumerated() {
                    let put = try await run(lab, ["put", "--info-hash", infoHash, "--json"] + named + entry)
                    let stored = try #require(try put.event("stored"), put.comment)
                    #expect(stored["seq"]?.integer == version + 1 && stored["stored_with"]?.integer ?? 0 > 4)
                    link = "magnet:?xs=urn:btpk:\(stored["key"]?.string ?? "")&s=73"
                }
                let get = try await run(lab, ["get", link] + entry)
                #expect(get.output == "magnet:?xt=urn:btih:\(infoHash)\n", get.comment)
                let stale = try await run(lab, ["put", "x", "--cas", "1", "--seq", "3"] + named + entry)
                #expect(stale.code == 4, stale.comment)
                let next = try await run(lab, ["put", "x", "--cas", "2"] + named + entry)
                #expect(next.code == 0, next.comment)
            }
        }

        @Test func aLinkToAKeyIsDownloaded() async throws {
            try await Lab.run { lab in
                let source = try lab.makeFile("seed/payload.bin", byteCount: 2_000_000)
                let network = try await Testnet(nodes: 10, seeding: source, in: lab)
                let entry = ["--bootstrap", network.bootstrap]
                let infoHash = String(network.magnet.drop { $0 != "=" }.dropFirst("=urn:btih:".count).prefix(40))
                let named = ["--key", lab.path("key"), "--salt", "s", "--json"]
                let put = try await run(lab, ["put", "--info-hash", infoHash] + named + entry)
                let key = try #require(try put.event("stored")?["key"]?.string, put.comment)
                let link = "magnet:?xs=urn:btpk:\(key)&s=73"
                let get = try await lab.magnetget([link, "--json", "-o", lab.path("new")] + entry)
                #expect(get.code == 0, get.comment)
                #expect(areEqual(source, lab.path("new/payload.bin")))
                let resolved = try #require(try get.event("resolved"), get.comment)
                #expect(resolved["info_hash"]?.string == infoHash && resolved["seq"]?.integer == 1)
                // Another salt is another item, and without the DHT nobody knows.
                let other = try await lab.magnetget(["magnet:?xs=urn:btpk:\(key)", "-o", lab.path("new")] + entry)
                #expect(other.code == 4, other.comment)
                let refused = try await lab.magnetget([link, "--no-dht", "-o", lab.path("new")])
                #expect(refused.code == 64, refused.comment)
                // What the key points at now is no torrent.
                let text = try await run(lab, ["put", "text"] + named + entry)
                #expect(text.code == 0, text.comment)
                let broken = try await lab.magnetget([link, "-o", lab.path("new")] + entry)
                #expect(broken.code == 8, broken.comment)
            }
        }

        @Test func anAnnounceIsCountedAndSampled() async throws {
            try await Lab.run { lab in
                let network = try await Testnet(nodes: 10, seeding: nil, in: lab)
                let entry = ["--bootstrap", network.bootstrap]
                let nobody = try await run(lab, ["sample"] + entry)
                #expect(nobody.code == 4, nobody.comment)
                let announce = ["peers", infoHash, "--announce", "4567", "--bind", lab.address()]
                #expect(try await run(lab, announce + entry).code == 0)
                let scrape = try await run(lab, ["scrape", infoHash] + entry)
                #expect(scrape.code == 0 && scrape.output == "about 0 seeds and 1 other peer\n", scrape.comment)
                let sample = try await run(lab, ["sample"] + entry)
                #expect(sample.code == 0 && sample.output == "\(infoHash)\n", sample.comment)
            }
        }

        @Test func whatCannotBePutIsRefusedAtOnce() async throws {
            try await Lab.run { lab in
                try "no key".write(toFile: lab.path("key"), atomically: true, encoding: .utf8)
                for arguments in [
                    ["put"], ["put", "a", "--file", "b"], ["put", "a", "--salt", "s"],
                    ["put", "a", "--key", lab.path("key")],
                    ["put", String(repeating: "x", count: 1001)], ["put", "a", "--bencoded"],
                    ["put", "--file", lab.path("none")],
                    ["get", "xyz"], ["get", infoHash, "--salt", "s"], ["scrape", "xyz"], ["sample", "xyz"],
                ] {
                    let usage = try await run(lab, arguments + ["--bootstrap", lab.address() + ":9"])
                    #expect(usage.code == 64 && usage.output.isEmpty && !usage.errors.isEmpty, usage.comment)
                }
            }
        }
    }
}
