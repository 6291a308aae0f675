import Primitives
package import Transport

extension BindNotice {
    /// For people.
    package var text: String {
        switch self {
        case .lost(let name): "\(name) is down: nothing is sent until it is back"
        case .returned(let name, let places, let outage):
            "\(name) is back after \(HumanText.seconds(outage)), at \(Self.text(places))"
        case .moved(let name, let places): "\(name) is used at \(Self.text(places)) now"
        }
    }

    /// For machines.
    package var line: JSONLine {
        switch self {
        case .lost(let name): JSONLine(event: "bind_lost", [.init("bind", .string(name))])
        case .returned(let name, let places, let outage):
            JSONLine(
                event: "bind_returned",
                [
                    .init("bind", .string(name)), .init("listen", Self.list(places)),
                    .init("seconds", .number(outage / .seconds(1))),
                ])
        case .moved(let name, let places):
            JSONLine(event: "bind_moved", [.init("bind", .string(name)), .init("listen", Self.list(places))])
        }
    }

    private static func text(_ places: [Endpoint]) -> String { places.map(\.hostText).joined(separator: ", ") }

    private static func list(_ places: [Endpoint]) -> JSONValue { .array(places.map { .string($0.description) }) }
}

extension Console {
    /// At normal verbosity: what was bound is why nothing moves.
    package func show(_ notice: BindNotice) {
        note(TerminalText.escaped(notice.text))
        event(notice.line)
    }
}
