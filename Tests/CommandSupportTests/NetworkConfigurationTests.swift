import Kademlia
import Metainfo
import Primitives
import Testing
import Transport

@testable import CommandSupport

@Suite struct NetworkConfigurationTests {
    private func mode(_ bootstrap: [String], given: Bool = true, network: NetworkMode? = nil) -> NetworkMode {
        var configuration = NetworkConfiguration()
        configuration.isBootstrapGiven = given
        configuration.mode = network
        return configuration.mode(bootstrap: bootstrap.compactMap { Endpoint($0) })
    }

    @Test func aPrivateBootstrapMakesThePrivateMode() {
        #expect(mode(["127.0.3.1:6881"]) == .private)
        #expect(mode(["10.0.0.1:1", "[::1]:2", "192.168.1.1:3", "[fd00::1]:4"]) == .private)
    }

    @Test func oneGlobalOrLinkLocalNodeMakesItPublic() {
        #expect(mode(["127.0.0.1:1", "8.8.8.8:1"]) == .public)
        #expect(mode(["[fe80::1]:1"]) == .public)
        #expect(mode([]) == .public)
    }

    @Test func theBuiltInListIsPublicWhateverItResolvesTo() {
        #expect(mode(["127.0.0.1:1"], given: false) == .public)
    }

    @Test func theFlagWins() {
        #expect(mode(["127.0.0.1:1"], network: .public) == .public)
        #expect(mode(["8.8.8.8:1"], network: .private) == .private)
    }

    // MARK: Neighbours

    private static let interfaces = Interfaces(
        [
            ("lo", "127.0.0.1"), ("lo", "::1"), ("eth0", "192.168.1.2"), ("eth0", "192.168.1.3"), ("eth0", "fe80::1"),
            ("eth0", "2a00::2"), ("wlan0", "10.0.0.2"), ("wlan0", "fe80::2"), ("usb0", "169.254.1.1"),
        ].compactMap { name, address in
            Endpoint(host: address, port: 0).map { Interfaces.Entry(interface: name, address: $0) }
        })

    private func links(_ binds: [String], named: [String] = []) throws -> [String] {
        var configuration = NetworkConfiguration()
        let targets = binds.compactMap { BindTarget(argument: $0) }
        try configuration.bind(targets, port: 0, interfaces: Self.interfaces)
        return configuration.localLinks(named: named.compactMap { Endpoint($0) }, Self.interfaces)
            .map { "\($0.interface) \($0.address.hostText)" }
    }

    @Test func neighboursAreLookedForWhereTrafficMayLeave() throws {
        let all = ["eth0 192.168.1.2", "eth0 2a00::2", "wlan0 10.0.0.2", "usb0 169.254.1.1"]
        #expect(try links([]) == all)
        #expect(try links([], named: ["127.0.0.1:1", "10.9.9.9:1"]) == all)
        #expect(try links(["192.168.1.3"]) == ["eth0 192.168.1.3"])
        #expect(try links(["wlan0"]) == ["wlan0 10.0.0.2"])
    }

    @Test func whereAllIsLoopbackNothingLeavesTheMachine() throws {
        #expect(try links(["127.0.0.1"]).isEmpty)
        #expect(try links(["127.0.0.1", "::1"], named: ["127.0.0.2:1"]).isEmpty)
        #expect(try links([], named: ["127.0.0.1:6881", "[::1]:6881"]).isEmpty)
    }

    @Test func aMachineOfContainersHasSixteenLinks() throws {
        let many = (0..<40).map { Interfaces.Entry(interface: "veth\($0)", address: .v4(10, 0, UInt8($0), 1, port: 0)) }
        var configuration = NetworkConfiguration()
        try configuration.bind([], port: 0, interfaces: Interfaces(many))
        #expect(configuration.localLinks(named: [], Interfaces(many)).count == 16)
    }

    @Test func withoutBindEachFamilyHasItsAnyAddress() throws {
        var configuration = NetworkConfiguration()
        try configuration.bind([], port: 6881, interfaces: Interfaces([]))
        #expect(configuration.binds.map(\.description) == ["0.0.0.0:6881", "[::]:6881"])
        #expect(!configuration.isBindGiven)
        configuration.families = [.v6]
        try configuration.bind([], port: 0, interfaces: Interfaces([]))
        #expect(configuration.binds.map(\.description) == ["[::]:0"])
    }

    @Test func anAddressIsTakenAndTheOtherFamilyLeftOut() throws {
        var configuration = NetworkConfiguration()
        try configuration.bind([.address(.v4(127, 0, 5, 1, port: 0))], port: 7, interfaces: Interfaces([]))
        #expect(configuration.binds == [.v4(127, 0, 5, 1, port: 7)])
        #expect(configuration.isBindGiven)
    }

    @Test func anInterfaceGivesOneAddressOfEachFamilyAndNoLinkLocalOne() throws {
        let interfaces = Interfaces(
            ["169.254.1.1", "10.0.0.5", "fe80::1", "fd00::1", "2a01::5"].compactMap { Endpoint(host: $0, port: 0) }
                .map { Interfaces.Entry(interface: "wg0", address: $0) })
        var configuration = NetworkConfiguration()
        try configuration.bind([.interface("wg0")], port: 9, interfaces: interfaces)
        #expect(configuration.binds.map(\.description) == ["10.0.0.5:9", "[2a01::5]:9"])
    }

    @Test func whatCannotBeBoundIsRefused() {
        var configuration = NetworkConfiguration()
        #expect(throws: NetworkConfiguration.BindError.self) {
            try configuration.bind([.interface("none0")], port: 0, interfaces: Interfaces([]))
        }
        #expect(throws: NetworkConfiguration.BindError.self) {
            let address = BindTarget.address(.v4(127, 0, 0, 1, port: 0))
            try configuration.bind([address, address], port: 0, interfaces: Interfaces([]))
        }
        configuration.families = [.v6]
        #expect(throws: NetworkConfiguration.BindError.self) {
            try configuration.bind([.address(.v4(127, 0, 0, 1, port: 0))], port: 0, interfaces: Interfaces([]))
        }
    }

    @Test func severalAddressesOfAFamilyAreSeveralHomes() throws {
        var configuration = NetworkConfiguration()
        let addresses = [1, 2].map { BindTarget.address(.v4(127, 0, 0, $0, port: 0)) }
        try configuration.bind(addresses, port: 7, interfaces: Interfaces([]))
        #expect(configuration.binds == [.v4(127, 0, 0, 1, port: 7), .v4(127, 0, 0, 2, port: 7)])
        #expect(throws: NetworkConfiguration.BindError.self) {
            let any = BindTarget.address(.v4(0, 0, 0, 0, port: 0))
            try configuration.bind([addresses[0], any], port: 7, interfaces: Interfaces([]))
        }
        let many = (1...65).map { BindTarget.address(.v4(127, 0, 0, $0, port: 0)) }
        #expect(throws: NetworkConfiguration.BindError.self) {
            try configuration.bind(many, port: 7, interfaces: Interfaces([]))
        }
    }

    @Test func theMachineKnowsItsLoopback() {
        #expect(Interfaces.ofMachine.entries.contains { $0.address.scope == .loopback })
    }
}
