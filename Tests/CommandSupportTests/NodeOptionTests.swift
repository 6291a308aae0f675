import ArgumentParser
import Kademlia
import Primitives
import Testing

@testable import CommandSupport

@Suite struct NodeOptionTests {
    private func path(
        _ choice: StateChoice, in mode: NetworkMode = .public, _ environment: [String: String]
    ) -> String? {
        choice.path(mode) { environment[$0] }
    }

    @Test func theStandardFolderFollowsXDG() {
        let home = ["HOME": "/h/a"]
        #expect(path(.standard, home) == "/h/a/.local/state/mainline")
        #expect(path(.standard, home.merging(["XDG_STATE_HOME": "/s"]) { $1 }) == "/s/mainline")
        #expect(path(.standard, home.merging(["XDG_STATE_HOME": "relative"]) { $1 }) == "/h/a/.local/state/mainline")
        #expect(path(.standard, [:]) == nil)
    }

    @Test func aPrivateNetworkHasAStateOnlyWhereOneIsNamed() {
        #expect(path(.standard, in: .private, ["HOME": "/h/a"]) == nil)
        #expect(path(.folder("x"), in: .private, [:]) == "x")
        #expect(path(.none, ["HOME": "/h/a"]) == nil)
    }

    @Test func limitsAreOneOfThePresets() throws {
        let presets = try [[], ["--limits", "low"], ["--limits", "off"]].map {
            try NetworkOptions.parse($0).configuration(defaultPort: 0).limits
        }
        #expect(presets == [.default, .low, .off])
        #expect(throws: (any Error).self) { try NetworkOptions.parse(["--limits", "none"]) }
    }

    @Test func theFlagsExcludeEachOther() throws {
        #expect(throws: (any Error).self) { try NetworkOptions.parse(["--state", "a", "--no-state"]) }
        #expect(throws: (any Error).self) { try NetworkOptions.parse(["--state", ""]) }
        let choices = try [[], ["--no-state"], ["--state", "a"]].map {
            try NetworkOptions.parse($0).configuration(defaultPort: 0).state
        }
        #expect(choices == [.standard, .none, .folder("a")])
    }
}
