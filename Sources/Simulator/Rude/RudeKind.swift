/// What a rude peer does to the swarm it joins.
///
/// Each keeps to the wire format, so that framing alone does not end it.
package enum RudeKind: String, CaseIterable, Sendable {
    // Metadata.
    /// Offers metadata of the right size and answers no request for it.
    case silentOfferer = "silent-offerer"
    /// Claims 32 MiB of metadata and rejects every part, also parts that were not asked for.
    case metadataRejecter = "metadata-rejecter"
    /// Repeats its extension handshake with another `metadata_size` each time.
    case sizeChanger = "size-changer"
    /// Gives metadata of the right size and wrong bytes, at once.
    case metadataLiar = "metadata-liar"
    /// The same, each part just before its request times out.
    case slowMetadataLiar = "slow-metadata-liar"
    /// Asks for the whole metadata over and over, and reconnects when it is refused.
    case metadataHog = "metadata-hog"

    // Giving.
    /// Unchokes, rejects each request, and announces the piece again.
    case rejecter
    /// Sends `have_all` and `have_none` in turn.
    case flipper
    /// Claims to be a seed, unchokes, and gives nothing.
    case fakeSeed = "fake-seed"
    /// The same, but for the first 100 bytes of one block.
    case crumbSeed = "crumb-seed"
    /// Gives one block, then chokes and rejects the rest; unchokes soon.
    case chokingSeed = "choking-seed"
    /// Gives one wrong block, hangs up and comes back.
    case poisoner
    /// Gives 512 wrong bytes, hangs up and comes back.
    case partialPoisoner = "partial-poisoner"
    /// Gives 512 right bytes of its oldest request every few seconds.
    case dripper
    /// Gives four wrong blocks at once, and drips from then on.
    case poisonDripper = "poison-dripper"
    /// Sends blocks that were not asked for, and none that was.
    case unwantedGiver = "unwanted-giver"

    // Taking.
    /// Is interested for ever and asks for nothing.
    case idleInterested = "idle-interested"
    /// Asks for many blocks, again and again, and reads nothing.
    case nonReader = "non-reader"
    /// Cancels requests that it never made.
    case canceller
    /// Asks for many blocks, reads nothing, drops the connection and returns.
    case requestDropper = "request-dropper"
    /// Takes one block every four seconds.
    case slowTaker = "slow-taker"

    // Connecting.
    /// Connects and says nothing; renews its connections. Accepts calls and says nothing either.
    case silentCaller = "silent-caller"
    /// Shakes hands and stays idle.
    case idler
    /// Sends a bitfield that is too short.
    case wrongBitfield = "wrong-bitfield"
    /// Names 200 dead endpoints in each exchange message.
    case exchangeFlooder = "exchange-flooder"
    /// Copies the peer id of an honest peer on its own address.
    case twin
    /// Answers with the caller's own peer id.
    case echo

    /// Calls others, instead of waiting until it is called.
    var calls: Bool { self != .echo }

    /// Shares an address with an honest peer, whatever the plan of addresses: it aims at that peer.
    var isNeighbour: Bool { self == .twin || self == .echo }

    /// Answers with the true metadata, so that its victims come as far as asking for blocks.
    var servesMetadata: Bool {
        switch self {
        case .rejecter, .flipper, .fakeSeed, .crumbSeed, .chokingSeed, .poisoner, .partialPoisoner, .dripper,
            .poisonDripper, .unwantedGiver:
            true
        default: false
        }
    }

    /// Claims to have every piece.
    var claimsEverything: Bool {
        switch self {
        case .silentOfferer, .metadataRejecter, .sizeChanger, .metadataLiar, .slowMetadataLiar: true
        default: servesMetadata
        }
    }

    /// Unchokes whoever is interested.
    var unchokes: Bool { servesMetadata && self != .flipper }

    /// Says that it is interested.
    var isInterested: Bool {
        switch self {
        case .idleInterested, .nonReader, .canceller, .requestDropper, .slowTaker: true
        default: false
        }
    }

    /// Its payload is wrong.
    var lies: Bool { self == .poisoner || self == .partialPoisoner || self == .poisonDripper }
}
