import Client
import Foundation
import Primitives
import Testing
import TrackerProtocol

@testable import Transport

/// Counts from the real opentracker (BEP 48), over HTTP and UDP.
@Suite(
    .enabled(if: Opentracker.folder != nil, "no opentracker: Bootstrap/setup test unpacks it"),
    .timeLimit(.minutes(10)))
struct TrackerCountTests {
    @Test(arguments: ["http", "udp"]) func countsGrowFreshBetweenAnnounces(scheme: String) async throws {
        let infoHash = InfoHash(high: 7, middle: 7, low: 7)
        let tracker = try await Opentracker.start(serving: infoHash)
        defer { tracker.stop() }
        let peers = [1, 2].map { number in
            TestHost(at: .v4(127, 24, 9, UInt8(number), port: 0), seed: UInt64(number)) {
                $0.client.announces.countsInterval = .milliseconds(300)
                // A tracker that is late on a busy machine is asked again at once.
                $0.client.announces.retryMin = .milliseconds(500)
            }
        }
        for peer in peers {
            _ = try await peer.start()
            var options = Client.TorrentOptions()
            options.usesDHT = false
            options.trackers = [["\(scheme)://\(tracker.endpoint)/announce"]]
            peer.host.add(TestHost.torrent, .infoHash(infoHash), options, directory: tracker.home)
        }
        // The first to announce hears of the second by a scrape only: its next announce is half an hour away.
        let deadline = ContinuousClock.now + .seconds(400)
        while !peers.allSatisfy({ counts($0.reported).last == 2 }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        for peer in peers { #expect(counts(peer.reported).contains(2), "\(peer.reported)") }
        // The first one to stop says so to the tracker, and the counts of the other go down.
        for peer in peers { await peer.host.stop() }
    }

    /// Downloaders, scrape by scrape.
    private func counts(_ events: [HostEvent]) -> [Int] {
        events.compactMap { event in
            if case .client(.tracker(_, .scraped(_, 0, let leechers))) = event { leechers } else { nil }
        }
    }
}

/// A tracker that serves one torrent.
private struct Opentracker {
    let home: String
    /// The same for HTTP and UDP.
    let endpoint: Endpoint
    private let process: Process

    static let folder: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: ".build-peers").path
        return FileManager.default.isExecutableFile(atPath: folder + "/usr/bin/opentracker") ? folder : nil
    }()

    struct DoesNotListen: Error {}

    /// Starts one at an address that no other has, and returns when its sockets are there: what is sent before is lost.
    static func start(serving infoHash: InfoHash) async throws -> Opentracker {
        for _ in 0..<10 {
            let tracker = try Opentracker(
                at: .v4(127, 25, .random(in: 0...255), .random(in: 1...254), port: 6969), serving: infoHash)
            if try await tracker.listens() { return tracker }
            tracker.stop()
        }
        throw DoesNotListen()
    }

    private init(at endpoint: Endpoint, serving infoHash: InfoHash) throws {
        let folder = try #require(Self.folder)
        let home = FileManager.default.temporaryDirectory.appending(path: "mainline-tracker-\(UUID())")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        try Data((infoHash.hex + "\n").utf8).write(to: home.appending(path: "white"))
        self.home = home.path
        self.endpoint = endpoint
        process = Process()
        process.executableURL = URL(filePath: folder + "/usr/bin/opentracker")
        process.environment = ["LD_LIBRARY_PATH": folder + "/usr/lib"]
        let port = String(endpoint.port)
        process.arguments = ["-i", endpoint.hostText, "-p", port, "-P", port, "-d", home.path, "-w", "white"]
        try process.run()
    }

    /// False when it has ended instead: another program has the address.
    private func listens() async throws -> Bool {
        // As the kernel's tables have it.
        let place =
            endpoint.hostText.split(separator: ".").reversed().compactMap { UInt8($0) }
            .map { String(format: "%02X", $0) }.joined() + String(format: ":%04X ", endpoint.port)
        for _ in 0..<6_000 where process.isRunning {
            let tables = try ["tcp", "udp"].map { try String(contentsOfFile: "/proc/net/\($0)", encoding: .utf8) }
            if tables.allSatisfy({ $0.contains(place) }) { return process.isRunning }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: home)
    }
}
