import Primitives
import Transport

extension NetworkOptions {
    private enum Wake { case look, stop }

    private static let interfacePause = Duration.seconds(1)
    /// An interface has its IPv6 addresses later than that of IPv4: a second for the detection of duplicates.
    private static let settleTime = Duration.seconds(2)

    /// For daemons, which may start before the interface does: waits until each that `--bind` names has an address.
    ///
    /// False when a signal came first.
    package func awaitInterfaces(_ console: Console) async throws -> Bool {
        var missing = missingInterfaces(in: .ofMachine)
        guard !missing.isEmpty else { return true }
        let names = missing.joined(separator: ", ")
        console.note(TerminalText.escaped("\(names) is down, not there, or has no address: waiting for it (--bind)"))
        console.event(JSONLine(event: "bind_awaited", [.init("bind", .string(names))]))
        let (wakes, feed) = AsyncStream.makeStream(of: Wake.self)
        Signals.onFirst { _ in feed.yield(.stop) }
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.interfacePause)
                feed.yield(.look)
            }
        }
        defer { clock.cancel() }
        for await wake in wakes {
            if wake == .stop { return false }
            missing = missingInterfaces(in: .ofMachine)
            if missing.isEmpty { break }
        }
        try await Task.sleep(for: Self.settleTime)
        return true
    }

    /// Those that `--bind` names and that are down, or have no address of a family that is switched on.
    func missingInterfaces(in interfaces: Interfaces) -> [String] {
        let families: [Endpoint.Family] = ipv4Only ? [.v4] : ipv6Only ? [.v6] : [.v4, .v6]
        return bind.compactMap { target in
            guard case .interface(let name) = target else { return nil }
            return families.contains { target.place($0, in: interfaces)?.isUp == true } ? nil : name
        }
    }
}
