import KRPC
import Primitives

/// What the program at a host leaves undone, beside what `Configuration` says: other clients are not ours.
///
/// The network applies it to the node's packets, since the node itself has no reason to be able to be so poor.
package struct ClientProfile: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Its id has nothing to do with its address (no BEP 42).
    package static let insecureID = ClientProfile(rawValue: 1)
    /// It knows the four verbs of BEP 5 and answers others with error 204.
    package static let refusesNewVerbs = ClientProfile(rawValue: 2)
    /// It knows the four verbs of BEP 5 and does not answer others.
    package static let ignoresNewVerbs = ClientProfile(rawValue: 4)
    /// It gives no tokens, so that nobody can announce to it.
    package static let givesNoTokens = ClientProfile(rawValue: 8)

    /// What becomes of a packet on its way to a node.
    enum Verdict: Equatable {
        case passed
        case dropped
        case refused(transaction: Range<Int>)
    }

    func judge(_ packet: RawSpan) -> Verdict {
        guard !isDisjoint(with: [.refusesNewVerbs, .ignoresNewVerbs]), let message = try? Message.decode(packet),
            case .query(let query) = message.body, !query.method.isOfBEP5
        else { return .passed }
        return contains(.ignoresNewVerbs) ? .dropped : .refused(transaction: message.transaction)
    }

    /// Takes the token out of a reply; `bytes` are those of one packet of ours.
    func strip(_ bytes: inout [UInt8]) {
        guard contains(.givesNoTokens), let message = try? Message.decode(bytes.span.bytes),
            case .response(let response) = message.body, let token = response.token
        else { return }
        let key = "5:token\(token.count):".utf8.count
        bytes.removeSubrange(token.lowerBound - key..<token.upperBound)
    }
}

extension Query.Method {
    var isOfBEP5: Bool {
        switch self {
        case .ping, .findNode, .getPeers, .announcePeer: true
        default: false
        }
    }
}
