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
    /// It tells peers another length of the metadata than it has (BEP 9).
    package static let liesAboutSize = ClientProfile(rawValue: 16)
    /// It is gone, and its machine is not: calls are refused at once and not left unanswered.
    package static let refusesCalls = ClientProfile(rawValue: 32)

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

    /// What leaves on a connection in place of `bytes`; liars lie differently, in as many digits as the truth has.
    func distort(_ bytes: [UInt8], of host: HostIndex) -> [UInt8] {
        let key = Array("13:metadata_sizei".utf8)
        guard contains(.liesAboutSize),
            let start = bytes.indices.first(where: { bytes[$0...].starts(with: key) }).map({ $0 + key.count }),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "e"))
        else { return bytes }
        var bytes = bytes
        bytes[start] = UInt8(ascii: "1") + (bytes[start] - UInt8(ascii: "0")) % 9
        bytes[end - 1] = UInt8(ascii: "0") + UInt8(host % 10)
        return bytes
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
