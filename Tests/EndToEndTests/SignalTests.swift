import Glibc
import Testing

/// Ctrl-C and SIGTERM while something is going on.
extension EndToEnd {
    @Suite(.timeLimit(.minutes(20))) struct SignalTests {
        @Test(arguments: [SIGINT, SIGTERM])
        func aSignalWhileWaitingEndsCleanly(signal: CInt) async throws {
            try await Lab.run { lab in
                let silent = try SilentSocket(lab.address(), SOCK_DGRAM)
                let download = try lab.startMagnetget(["--json", Sources.nobodyHas, "--bootstrap", silent.endpoint])
                try await download.wait(for: "lookup_started")
                download.send(signal)
                let run = try await download.end(within: 3)
                let code = 128 + signal
                #expect(run.code == code, run.comment)
                #expect(try run.event("error")?["code"]?.integer == Int(code), run.comment)
                #expect(!run.errors.isEmpty, "says how to go on: \(run)")
            }
        }

        @Test func aSecondSignalLeavesAtOnce() async throws {
            try await Lab.run { lab in
                let silent = try SilentSocket(lab.address(), SOCK_DGRAM)
                // Its first line of output finds the pipe full, and nobody reads: no clean end can come of that.
                let pipe = try FullPipe(lab.path("full"))
                let download = try lab.startMagnetget(
                    ["--json", "-v", Sources.nobodyHas, "--bootstrap", silent.endpoint],
                    in: ["sh", "-c", #"exec "$0" "$@" > '\#(pipe.path)'"#])
                try await download.wait(for: "its address", within: 10) {
                    download.errors.contains("listening") ? true : nil
                }
                try await Task.sleep(for: .milliseconds(300))
                download.send(SIGINT)
                try await Task.sleep(for: .milliseconds(300))
                #expect(download.isRunning, "nothing holds it up: this test shows nothing")
                // Two signals that are sent before the first one is taken count as one.
                try await download.wait(for: "its end", within: 30) {
                    download.send(SIGINT)
                    try await Task.sleep(for: .milliseconds(100))
                    return download.isRunning ? nil : true
                }
                let run = try await download.end(within: 1)
                #expect(run.code == 130, run.comment)
            }
        }

        @Test func aNodeStopsCleanly() async throws {
            try await Lab.run { lab in
                let address = lab.address()
                let node = try lab.startProgram(
                    "dhtnode", ["run", "--json", "--bind", address, "--port", "0", "--network", "private"])
                let ready = try await node.wait(for: "ready")
                let endpoints = ready["listen"]?.array?.compactMap(\.string) ?? []
                #expect(endpoints.count == 1 && endpoints[0].hasPrefix(address + ":"), "\(ready)")
                node.send(SIGINT)
                let run = try await node.end(within: 5)
                #expect(run.code == 0, run.comment)
                #expect(try run.event("stopped") != nil, run.comment)
            }
        }
    }
}
