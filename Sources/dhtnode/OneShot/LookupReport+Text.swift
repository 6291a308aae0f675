import CommandSupport
import Kademlia
import Primitives

extension LookupID {
    /// The one lookup of a one-shot command.
    static let ofCommand = LookupID(1 << 62)
}

extension LookupReport {
    /// For people, after the result.
    var text: String {
        "\(answered) of \(HumanText.count(queried, "node")) answered in \(HumanText.seconds(duration))"
    }

    /// For machines, at the end of the result.
    var members: [JSONValue.Member] {
        [
            .init("queried", .integer(queried)), .init("answered", .integer(answered)),
            .init("seconds", .number(duration / .seconds(1))),
        ]
    }
}
