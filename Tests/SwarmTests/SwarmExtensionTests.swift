import PeerProtocol
import Primitives
import Swarm
import Testing

/// What peers are told in extended messages: who else is there, and when we have what we want.
@Suite struct SwarmExtensionTests {
    // MARK: BEP 21

    @Test(arguments: [(nil, 4), ("1-2", 2)])
    func peersHearWhenAllThatIsWantedIsThere(selection: String?, wanted: Int) throws {
        var bench = try SwarmBench(isComplete: false, selecting: selection)
        let seed = bench.call(from: .v4(20, 2, 3, 4, port: 6881), saying: [.haveAll, .unchoke])
        let leecher = bench.call(from: .v4(21, 2, 3, 4, port: 6881), saying: [.haveNone])
        for piece in 0..<wanted {
            #expect(try handshakes(of: bench, to: leecher).isEmpty)
            bench.deliver(piece, from: seed)
        }
        let said = try handshakes(of: bench, to: leecher)
        #expect(said.map(\.isUploadOnly) == [true])
        // What a later handshake leaves out, some take for switched off.
        #expect(said.first?.metadataID == ExtensionID.metadata)
        #expect(said.first?.peerExchangeID == ExtensionID.peerExchange)
        // The seed is gone.
        #expect(try bench.closed == [seed] && handshakes(of: bench, to: seed).isEmpty)
    }

    @Test func aLaterHandshakeChangesWhatItNamesAndNothingElse() throws {
        var bench = try SwarmBench(isComplete: true) { $0.exchangeFirstDelay = .zero }
        _ = introduce(.v4(20, 2, 3, 4, port: 6881), to: &bench)
        let peer = introduce(.v4(21, 2, 3, 4, port: 6881), to: &bench)
        var partial = ExtensionHandshake()
        partial.clientVersion = "x"
        bench.say(peer, partial)
        bench.wait(.milliseconds(500))
        #expect(try named(by: bench, to: peer) == [.v4(20, 2, 3, 4, port: 7000)])
        var later = ExtensionHandshake()
        later.isUploadOnly = true
        bench.say(peer, later)
        #expect(bench.closed == [peer])
    }

    private func handshakes(of bench: SwarmBench, to peer: PeerHandle) throws -> [ExtensionHandshake] {
        try bench.extended(ExtensionID.handshake, to: peer).map {
            try ExtensionHandshake($0.bytes.span.bytes, in: $0.payload)
        }
    }

    // MARK: BEP 11

    @Test func addressesOfALinkAreToldOnlyThere() throws {
        var bench = try SwarmBench(isComplete: true) { $0.exchangeFirstDelay = .zero }
        let addresses = ["8.8.4.4", "8.8.8.8", "127.0.0.2", "127.0.0.3", "10.0.0.2", "100.64.0.2", "[fd00::2]"]
        let endpoints = try addresses.map { try #require(Endpoint("\($0):7000")) }
        let peers = endpoints.map { introduce($0, to: &bench) }
        bench.wait(.milliseconds(500))
        let heard = try peers.map { try Set(named(by: bench, to: $0).compactMap { endpoints.firstIndex(of: $0) }) }
        #expect(heard == [[1], [0], [0, 1, 3], [0, 1, 2], [0, 1, 5, 6], [0, 1, 4, 6], [0, 1, 4, 5]])
    }

    /// A caller that takes calls at port 7000 and wants to hear of others.
    private func introduce(_ endpoint: Endpoint, to bench: inout SwarmBench) -> PeerHandle {
        let peer = bench.call(from: endpoint, saying: [.haveNone])
        var handshake = ExtensionHandshake()
        handshake.peerExchangeID = 5
        handshake.listenPort = 7000
        bench.say(peer, handshake)
        return peer
    }

    private func named(by bench: SwarmBench, to peer: PeerHandle) throws -> [Endpoint] {
        try bench.extended(5, to: peer).flatMap {
            try PeerExchangeMessage($0.bytes.span.bytes, in: $0.payload).added.map(\.endpoint)
        }
    }
}
