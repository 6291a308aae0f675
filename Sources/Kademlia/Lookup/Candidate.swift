import KRPC
import Primitives

/// A node on the list of a lookup.
struct Candidate: Sendable {
    enum State: Sendable {
        /// Not asked. Can become `asked`, or be forgotten for a nearer one.
        case fresh
        /// Asked a short while ago. Can become `stalled`, `answered` or `failed`.
        case asked
        /// Asked, and silent for the stall timeout. Can become `asked` again, `answered` or `failed`.
        case stalled
        /// It answered; final.
        case answered
        /// It was silent for too long, or is somebody else; final.
        case failed
    }

    var contact: Contact
    var state = State.fresh
    var attempts = 0
    var provenance = Provenance.hearsay
    /// What its answers take; nil where we do not know.
    var roundTrip: Duration?
    /// How often others named it, saturating.
    var mentions: UInt8 = 0
    /// Whether its address allows its id (BEP 42); true where that does not matter.
    var isSecure = true
    /// What it gave us to announce with.
    var token: [UInt8] = []

    /// Whom to rather ask, of two that are about equally near.
    var likelihood: Int { provenance == .proven ? 256 : Int(mentions) }

    static let vacant = Candidate(contact: Contact(id: .zero, endpoint: .v4(0, 0, 0, 0, port: 0)))
}

/// What a candidate's name is worth.
package enum Provenance: Sendable {
    /// Somebody named it.
    case hearsay
    /// It has answered us, not long ago.
    case proven
}

/// A bootstrap endpoint on the list of a lookup: it is asked without knowing its id.
struct Seed: Sendable {
    enum State: Sendable {
        /// Can become `asked`.
        case fresh
        /// Can become `stalled` or `answered`.
        case asked
        /// Silent. Can become `asked` again while nobody at all has answered, or `answered`.
        case stalled
        /// From here on it is a candidate; final.
        case answered
    }

    let endpoint: Endpoint
    var state = State.fresh
    var attempts = 0
    var retriesAt = Instant.origin
}

/// A node that is to store our announce.
struct Store: Sendable {
    enum State: Equatable, Sendable {
        /// The announce is to be sent. Can become `announced`.
        case pending
        /// Can become `pending` (a resend), `needsToken`, `confirmed` or `failed`.
        case announced
        /// Its token was refused, and another is to be asked for. Can become `awaitingToken`.
        case needsToken
        /// Can become `pending`, with the new token, or `failed`.
        case awaitingToken
        /// Final.
        case confirmed
        /// Final.
        case failed
    }

    let candidate: Int
    var state = State.pending
    var attempts = 0
    var hasFreshToken = false
}
