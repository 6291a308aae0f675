/// How long each stage of a download may take before it is given up.
package struct StageLimits: Equatable, Sendable {
    /// From the start to the first node that answers.
    package var bootstrap: Duration = .seconds(30)
    /// From then to the first peer.
    package var peers: Duration = .seconds(120)
    /// From then to metadata that matches the infohash.
    package var metadata: Duration = .seconds(120)
    /// Without a byte of useful payload, once the metadata is known.
    package var stall: Duration = .seconds(300)
    /// Useful payload below this rate does not count until it is `stallBytes`, or completes a piece: 256 bytes a second
    /// are a block a minute, as slow as a peer may be before its requests are cancelled.
    package var stallBytesPerSecond = 256.0
    /// One block.
    package var stallBytes = 16 << 10
    /// For the whole run; nil is for ever.
    package var total: Duration?

    package init() {}
}

/// What a download is doing, and what it ends with when it gets no further.
package enum GetStage: String, Equatable, Sendable {
    /// No node of the DHT has answered yet. Turns into `peers`, or into any later stage when peers are given.
    case bootstrap
    /// Nodes answer, but nobody knows a peer. Turns into `metadata` or `downloading`.
    case peers
    /// Peers are known, and asked for the metadata. Turns into `checking`, or `finished` when only that was wanted.
    case metadata
    /// What is on disk is being hashed; takes as long as the disk needs. Turns into `bootstrap`, `peers`,
    /// `downloading`, `seeding` or `finished`.
    case checking
    /// Turns into `seeding` or `finished`.
    case downloading
    /// Everything is there; others are served until somebody says stop. Turns into `finished`.
    case seeding
    case finished

    /// How a run ends that does not get beyond this stage.
    package var failure: ProgramExit {
        switch self {
        case .bootstrap: .noDHT
        case .peers: .nothingFound
        case .metadata: .noMetadata
        case .checking, .downloading: .stalled
        case .seeding, .finished: .done
        }
    }
}
