import Foundation
import Glibc
import Testing

/// `--bind` in namespaces whose other interface has the better route; Tools/Interop/bind_leaks.py has the long run.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.mayMakeNetworks, Comment(rawValue: Machine.networkReason)),
        .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
        .enabled(if: Machine.has("nft") && Machine.has("openssl"), "needs nft (nftables) and openssl"),
        .timeLimit(.minutes(20)))
    struct BindTests {
        @Test func nothingLeavesByAnotherInterface() async throws {
            try await Lab.run { lab in
                // Slow machines may take longer to go on; what leaves elsewhere is counted all the same.
                let script = try lab.startScript("bind_leaks", ["--short", "--resume", "40"])
                let run = try await script.end(within: 150)
                let summary = try #require(try run.event("summary"), run.comment)
                #expect(summary["elsewhere"]?.integer == 0, run.comment)
                #expect(summary["breaches"]?.array?.count == 0, run.comment)
                #expect(run.code == 0, run.comment)
            }
        }

        @Test func anInterfaceThatComesLaterIsWaitedFor() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let node = try lab.startProgram(
                    "dhtnode", ["run", "--bind", "late0", "--network", "private", "--json", "--no-state"],
                    in: link.front(0))
                try await node.wait(for: "bind_awaited")
                #expect(node.errors.contains("late0 is down, not there, or has no address: waiting for it"))
                for command in [
                    ["link", "add", "late0", "type", "veth", "peer", "name", "late1"],
                    ["address", "add", "10.88.0.1/24", "dev", "late0"], ["link", "set", "late1", "up"],
                    ["link", "set", "late0", "up"],
                ] {
                    let change = try await lab.start(link.front(0) + ["ip"] + command).end(within: 10)
                    #expect(change.code == 0, change.comment)
                }
                let ready = try await node.wait(for: "ready")
                #expect(ready["listen"]?.array?.first?.string == "10.88.0.1:6881")
                _ = try await lab.start(link.front(0) + ["ip", "link", "set", "late0", "down"]).end(within: 10)
                try await node.wait(for: "bind_lost")
                _ = try await lab.start(link.front(0) + ["ip", "link", "set", "late0", "up"]).end(within: 10)
                let returned = try await node.wait(for: "bind_returned")
                #expect(returned["listen"]?.array?.first?.string == "10.88.0.1:6881")
                node.send(SIGTERM)
                #expect(try await node.end(within: 20).code == 0)
            }
        }

        @Test func aNameServerOfTheMachineItselfIsNotAsked() async throws {
            try await Lab.run { lab in
                let link = try await Neighbours(in: lab)
                let settings = "/etc/resolv.conf"
                let stub = try lab.makeFolder("etc") + "/resolv.conf"
                try "nameserver 127.0.0.53\n".write(toFile: stub, atomically: true, encoding: .utf8)
                let mount = "mount --bind '\(stub)' \(settings) && exec \"$@\""
                let front = link.front(0) + ["unshare", "--mount", "sh", "-c", mount, "-"]
                let ping = try await lab.startProgram(
                    "dhtnode", ["ping", "router.bind.test:6881", "--bind", "10.77.0.1", "--network", "private"],
                    in: front
                ).end(within: 20)
                #expect(ping.code == 3, ping.comment)
                #expect(ping.errors.contains("127.0.0.53 is a program of this machine"), ping.comment)
                let refused = try await lab.startProgram(
                    "dhtnode", ["ping", "router.bind.test:6881", "--bind", "10.77.0.1", "--no-dns"], in: link.front(0)
                ).end(within: 20)
                #expect(refused.code == 3 && refused.errors.contains("--no-dns"), refused.comment)
            }
        }
    }
}
