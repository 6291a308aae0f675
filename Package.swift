// swift-tools-version: 6.2

import PackageDescription

// Arrows run downward only; `Tests/Tidy` compares this graph with docs/architecture.md.
// The pure targets decide everything and may import nothing of the world: no NIO, Foundation, clock or
// system randomness. The edge targets below the purity line are the only ones that touch it.

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
/// Writes down the commit that is built.
let noteCommit: Target.PluginUsage = .plugin(name: "NoteCommit")

let pure: [Target] = [
    .target(name: "Primitives"),
    .target(name: "Digest", dependencies: ["CLibcrypto", "CSHA1", "Primitives"]),
    .target(name: "Bencode"),
    .target(name: "KRPC", dependencies: ["Bencode", "Primitives"]),
    .target(name: "Kademlia", dependencies: ["KRPC", "Digest", "Primitives", heap, real]),
    .target(name: "Metainfo", dependencies: ["Bencode", "Digest", "Primitives"]),
    .target(name: "PeerProtocol", dependencies: ["Bencode", "Digest", "Primitives", deque]),
    .target(name: "TrackerProtocol", dependencies: ["Bencode", "Primitives", deque, heap]),
    .target(name: "Swarm", dependencies: ["PeerProtocol", "Metainfo", "Digest", "Primitives", deque, heap, ordered]),
    .target(
        name: "Client",
        dependencies: [
            "Kademlia", "Swarm", "TrackerProtocol", "Metainfo", "PeerProtocol", "Primitives", heap, deque, ordered,
        ]),
    .target(
        name: "Simulator",
        dependencies: [
            "Client", "Swarm", "PeerProtocol", "Metainfo", "Kademlia", "KRPC", "Digest", "Primitives", deque, real,
        ]),
]

let edge: [Target] = [
    .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CSHA1", dependencies: ["CLibcrypto"]),
    .target(
        name: "Storage",
        dependencies: ["Metainfo", "Kademlia", "KRPC", "Bencode", "Digest", "Primitives", "CShims", nio]),
    .target(name: "CShims"),
    .target(
        name: "Transport",
        dependencies: [
            "Client", "Kademlia", "Swarm", "TrackerProtocol", "PeerProtocol", "Storage", "Metainfo", "Primitives",
            "CShims", nio, nioPosix, logging,
        ]),
    .target(
        name: "CommandSupport",
        dependencies: [
            "Transport", "Storage", "Client", "Swarm", "Kademlia", "KRPC", "TrackerProtocol", "Metainfo", "Primitives",
            arguments, logging,
        ]),
    .executableTarget(
        name: "dhtnode",
        dependencies: [
            "CommandSupport", "Simulator", "Transport", "Storage", "Client", "Swarm", "Kademlia",
            "KRPC", "Bencode", "Digest", "Metainfo", "Primitives", arguments,
        ],
        plugins: [noteCommit]),
    .executableTarget(
        name: "magnetget",
        dependencies: [
            "CommandSupport", "Transport", "Storage", "Client", "Swarm", "Kademlia", "KRPC", "PeerProtocol",
            "Metainfo", "Primitives", arguments,
        ]),
]

let benchmarks: [Target] = [
    .executableTarget(
        name: "microbenchmark", dependencies: ["Simulator", "Kademlia", "KRPC", "Primitives"],
        path: "Tools/Benchmarks/Micro")
]

let plugins: [Target] = [
    .plugin(name: "NoteCommit", capability: .buildTool(), path: "Tools/NoteCommit", exclude: ["note.sh"])
]

let tests: [Target] = [
    .testTarget(
        name: "TransportTests",
        dependencies: [
            "Transport", "Client", "Kademlia", "Swarm", "TrackerProtocol", "PeerProtocol", "Storage", "Metainfo",
            "Digest", "Primitives", "CShims", nio, nioPosix, logging,
        ]),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives"]),
    .testTarget(name: "SwarmTests", dependencies: ["Swarm", "PeerProtocol", "Metainfo", "Digest", "Primitives"]),
    .testTarget(
        name: "ClientTests",
        dependencies: [
            "Client", "Swarm", "TrackerProtocol", "Kademlia", "PeerProtocol", "Metainfo", "Digest", "Primitives",
        ]),
    .testTarget(name: "DigestTests", dependencies: ["Digest", "Primitives"]),
    .testTarget(
        name: "CommandSupportTests",
        dependencies: ["CommandSupport", "Transport", "Swarm", "Kademlia", "Metainfo", "Primitives", arguments]),
    .testTarget(name: "PeerProtocolTests", dependencies: ["PeerProtocol", "Bencode", "Primitives"]),
    .testTarget(
        name: "TrackerProtocolTests", dependencies: ["TrackerProtocol", "TestSupport", "Bencode", "Primitives"]),
    .testTarget(name: "BencodeTests", dependencies: ["Bencode", "Primitives"]),
    .testTarget(name: "TidyTests"),
    .target(name: "TestSupport", dependencies: ["Kademlia", "KRPC", "Primitives"], path: "Tests/Support"),
    .testTarget(name: "KademliaTests", dependencies: ["Kademlia", "TestSupport", "KRPC", "Primitives"]),
    .testTarget(
        name: "SimulatorTests",
        dependencies: ["Simulator", "Swarm", "PeerProtocol", "Metainfo", "Kademlia", "KRPC", "Primitives"]),
    // Depends on no code of the programs: they only have to be there.
    .testTarget(name: "EndToEndTests", dependencies: ["dhtnode", "magnetget"]),
    .testTarget(name: "KRPCTests", dependencies: ["KRPC", "Bencode", "Primitives"]),
    .testTarget(name: "MetainfoTests", dependencies: ["Metainfo", "TestSupport", "Bencode", "Digest", "Primitives"]),
    .testTarget(
        name: "StorageTests",
        dependencies: ["Storage", "TestSupport", "Metainfo", "Kademlia", "KRPC", "Digest", "Primitives", nio]),
]

let package = Package(
    name: "mainline",
    products: [
        .executable(name: "dhtnode", targets: ["dhtnode"]),
        .executable(name: "magnetget", targets: ["magnetget"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", exact: "1.1.1"),
    ],
    targets: pure + edge + benchmarks + plugins + tests
)

for target in package.targets where target.type != .system && target.type != .plugin {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]
}
