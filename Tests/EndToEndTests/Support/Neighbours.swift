import Foundation

/// Two network namespaces with a cable between them and nothing else: `10.77.0.1` and `10.77.0.2`, `fd77::1` and
/// `fd77::2`.
final class Neighbours {
    private let names: [String]

    /// The front of a command that runs at one end, 0 or 1.
    func front(_ end: Int) -> [String] { ["ip", "netns", "exec", names[end]] }

    func address(_ end: Int, isV6: Bool = false) -> String { isV6 ? "fd77::\(end + 1)" : "10.77.0.\(end + 1)" }

    init(in lab: Lab) async throws {
        // Device names have up to 15 characters.
        let number = String(UInt32.random(in: 0...(.max)), radix: 36)
        names = [0, 1].map { "mn\(number)-\($0)" }
        let devices = [0, 1].map { "mn\(number)-\($0)" }
        var commands = names.map { ["netns", "add", $0] }
        commands.append(["link", "add", devices[0], "type", "veth", "peer", "name", devices[1]])
        for end in 0...1 {
            commands += [
                ["link", "set", devices[end], "netns", names[end]],
                ["-n", names[end], "address", "add", address(end) + "/24", "dev", devices[end]],
                // Without detection of duplicates, which takes a second.
                ["-n", names[end], "address", "add", address(end, isV6: true) + "/64", "dev", devices[end], "nodad"],
                ["-n", names[end], "link", "set", devices[end], "up"],
                ["-n", names[end], "link", "set", "lo", "up"],
                // Programs that name no interface send to groups by it.
                ["-n", names[end], "route", "add", "224.0.0.0/4", "dev", devices[end]],
            ]
        }
        for command in commands {
            let run = try await lab.start(["ip"] + command).end(within: 10)
            guard run.code == 0 else { throw Trouble("ip \(command.joined(separator: " "))\n\(run.errors)") }
        }
    }

    /// The cable goes with its ends.
    deinit {
        for name in names { Machine.run(["ip", "netns", "delete", name]) }
    }
}
