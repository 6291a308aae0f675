import Digest
import Foundation
import KRPC
import Kademlia
import Primitives
import Storage
import TestSupport
import Testing

@Suite struct NodeStateFileTests {
    /// One home of each family, with contacts.
    static func state(_ count: Int = 20, seed: UInt64 = 1) -> NodeState {
        var generator = SeededGenerator(number: seed)
        let four = (0..<count).map { number in
            Contact(id: .random(using: &generator), endpoint: .v4(44, 0, 0, UInt8(number % 250), port: 6881))
        }
        let six = (0..<count).map { number in
            let address = EndpointV6(high: 0x2001_0db8 << 32, low: UInt64(number), port: 6881)
            return Contact(id: .random(using: &generator), endpoint: .v6(address))
        }
        return NodeState(homes: [
            .init(
                local: .v4(0, 0, 0, 0, port: 6881), id: .random(using: &generator),
                external: .v4(44, 1, 2, 3, port: 9), contacts: four),
            .init(local: .v6(EndpointV6(high: 0, low: 0, port: 6881)), id: nil, contacts: six),
        ])
    }

    @Test func encodingRoundTrips() throws {
        for state in [Self.state(), Self.state(0), NodeState()] {
            #expect(try NodeStateFile(bytes: NodeStateFile(state).encoded()).state == state)
        }
    }

    @Test func everyDamagedByteIsNoticed() {
        let bytes = NodeStateFile(Self.state(2)).encoded()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: NodeStateFile.Failure.self) { try NodeStateFile(bytes: damaged) }
        }
        for count in 0..<bytes.count {
            #expect(throws: NodeStateFile.Failure.self) { try NodeStateFile(bytes: Array(bytes.prefix(count))) }
        }
        #expect(throws: NodeStateFile.Failure.notAState) { try NodeStateFile(bytes: bytes + [0]) }
    }

    @Test func aLaterVersionIsNamed() {
        let text = "d7:versioni2ee"
        #expect(throws: NodeStateFile.Failure.unknownVersion(2)) { try NodeStateFile(bytes: Array(text.utf8)) }
    }

    @Test func tooMuchIsRefusedBeforeItIsRead() {
        let long = [UInt8](repeating: UInt8(ascii: "d"), count: NodeStateFile.maxBytes + 1)
        #expect(throws: NodeStateFile.Failure.tooLong) { try NodeStateFile(bytes: long) }
        let homes = String(repeating: "d8:contacts0:5:local6:abcdefe", count: 65)
        #expect(throws: NodeStateFile.Failure.notAState) { try NodeStateFile(bytes: sealed("d5:homesl\(homes)ee")) }
    }

    @Test func mutatedFilesNeverTrap() throws {
        let original = NodeStateFile(Self.state(3)).encoded()
        var mutation = Mutation(generator: SeededGenerator(number: 4))
        for round in 0..<(MutationCount.fromEnvironment ?? 20_000) {
            var bytes = original
            mutation.apply(to: &bytes)
            if round.isMultiple(of: 2), bytes.count > 49 {
                // With a right checksum, so that what lies behind it is reached.
                let body = Array(bytes[37..<(bytes.count - 12)])
                bytes = sealed(body)
            }
            if let file = try? NodeStateFile(bytes: bytes) { try #require(file.encoded() == bytes) }
        }
    }

    private func sealed(_ body: String) -> [UInt8] { sealed(Array(body.utf8)) }

    private func sealed(_ body: [UInt8]) -> [UInt8] {
        Array("d5:check20:".utf8) + SHA1.hash(body).bytes + Array("5:state".utf8) + body + Array("7:versioni1ee".utf8)
    }
}

@Suite struct NodeStateFolderTests {
    private let temporary = TemporaryFolder()
    private var path: String { temporary.path("deep/state") }
    private let state = NodeStateFileTests.state()

    @Test func whatIsSavedIsFoundAgain() throws {
        do {
            let folder = try NodeStateFolder(path)
            #expect(try folder.load() == .nothing)
            try folder.save(NodeStateFileTests.state(5, seed: 2))
            try folder.save(state)
        }
        #expect(try NodeStateFolder(path).load() == .state(state))
        #expect(!temporary.exists("deep/state/node.state.tmp"))
    }

    @Test func aSecondUserReadsAndWritesNothing() throws {
        let first = try NodeStateFolder(path)
        try first.save(state)
        let second = try NodeStateFolder(path)
        #expect(first.isOurs && !second.isOurs)
        #expect(try second.load() == .state(state))
        try second.save(NodeState())
        #expect(try first.load() == .state(state))
        try temporary.write("deep/state/node.state", [1, 2, 3])
        #expect(try second.load() == .broken(.notAState, keptAs: nil))
        #expect(temporary.exists("deep/state/node.state"))
    }

    @Test func theLockGoesWithItsHolder() throws {
        var first: NodeStateFolder? = try NodeStateFolder(path)
        #expect(first?.isOurs == true)
        first = nil
        #expect(try NodeStateFolder(path).isOurs)
    }

    @Test func garbageIsSetAsideAndNotInTheWay() throws {
        let folder = try NodeStateFolder(path)
        for bytes in [[], Array("garbage".utf8), [UInt8](repeating: 0x64, count: 100_000)] as [[UInt8]] {
            try temporary.write("deep/state/node.state", bytes)
            let kept = "\(path)/node.state.broken"
            #expect(try folder.load() == .broken(.notAState, keptAs: kept))
            #expect(temporary.read("deep/state/node.state.broken") == bytes)
            #expect(try folder.load() == .nothing)
            try folder.save(state)
            #expect(try folder.load() == .state(state))
        }
    }

    @Test func whatACrashLeftBehindIsReplaced() throws {
        let folder = try NodeStateFolder(path)
        try folder.save(state)
        try temporary.write("deep/state/node.state.tmp", Array("half a sta".utf8))
        #expect(try folder.load() == .state(state))
        try folder.save(NodeState())
        #expect(try folder.load() == .state(NodeState()))
        #expect(!temporary.exists("deep/state/node.state.tmp"))
    }

    @Test func linksAreNotFollowed() throws {
        let folder = try NodeStateFolder(path)
        try temporary.write("target", Array("precious".utf8))
        try temporary.link("deep/state/node.state", to: temporary.path("target"))
        #expect(throws: StorageError.self) { try folder.load() }
        try folder.save(state)
        #expect(temporary.read("target") == Array("precious".utf8))
        #expect(try folder.load() == .state(state))
    }

    @Test func aFileInTheWayIsSaid() throws {
        try temporary.write("file", [])
        #expect(throws: StorageError.self) { try NodeStateFolder(temporary.path("file/state")) }
    }
}
