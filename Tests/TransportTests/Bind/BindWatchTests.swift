import Primitives
import Testing

@testable import Transport

/// What changes of interfaces mean for the homes that are bound to them.
@Suite struct BindWatchTests {
    private let first = Endpoint.v4(10, 8, 0, 2, port: 0)
    private let second = Endpoint.v4(10, 8, 0, 3, port: 0)
    private let other = Endpoint.v4(10, 9, 0, 2, port: 0)
    /// `lo` stands for the interface that exists on every machine, so that its number is real.
    private let name = "lo"

    private func home(_ address: Endpoint, _ target: BindTarget?) throws -> BoundHome {
        var local = address
        local.port = 6881
        let device = try #require(BoundHome.Device(name))
        return BoundHome(
            local: local, device: target == nil ? nil : device, target: target, udp: -1, tcp: nil, guards: [])
    }

    private func interfaces(_ entries: [(String, Endpoint)], isUp: Bool = true) -> Interfaces {
        Interfaces(entries.map { Interfaces.Entry(interface: $0.0, address: $0.1, isUp: isUp) })
    }

    private func look(
        _ watch: inout BindWatch, _ list: Interfaces, index: CInt? = nil, at seconds: Int = 0
    ) -> [BindWatch.Change] {
        let real = BoundHome.Device(name)?.index ?? 0
        return watch.looked(at: list, index: { _ in index ?? real }, now: .origin + .seconds(seconds))
    }

    @Test func withoutADeviceNothingIsFollowed() throws {
        #expect(BindWatch([try home(first, nil)]).isEmpty)
        #expect(!BindWatch([try home(first, .interface(name))]).isEmpty)
    }

    @Test func aLinkThatIsDownIsLostOnceAndReturnsOnce() throws {
        let target = BindTarget.interface(name)
        var watch = BindWatch([try home(first, target)])
        let up = interfaces([(name, first)])
        let down = interfaces([(name, first)], isUp: false)
        #expect(look(&watch, up).isEmpty && !watch.isLost(0))
        #expect(look(&watch, down, at: 1) == [.lost(home: 0)])
        #expect(watch.isLost(0) && watch.isLost(target))
        #expect(look(&watch, down, at: 2).isEmpty)
        #expect(look(&watch, up, at: 9) == [.returned(home: 0, after: .seconds(8))])
        #expect(look(&watch, up, at: 10).isEmpty && !watch.isLost(target))
    }

    @Test func anotherAddressIsProposedUntilTheSocketsAreThere() throws {
        let target = BindTarget.interface(name)
        var watch = BindWatch([try home(first, target)])
        let moved = interfaces([(name, second)])
        let place = BindPlace(address: second, device: name, isUp: true)
        #expect(look(&watch, moved) == [.reopen(home: 0, at: place)])
        #expect(look(&watch, moved) == [.reopen(home: 0, at: place)])
        watch.reopened(0, as: try home(second, target))
        #expect(look(&watch, moved).isEmpty)
        // The address that is used stays, though the other one is back.
        #expect(look(&watch, interfaces([(name, first), (name, second)])).isEmpty)
    }

    @Test func anInterfaceThatWasMadeAnewNeedsNewSockets() throws {
        var watch = BindWatch([try home(first, .interface(name))])
        let list = interfaces([(name, first)])
        #expect(look(&watch, interfaces([]), index: 0, at: 1) == [.lost(home: 0)])
        #expect(
            look(&watch, list, index: 4_711, at: 2)
                == [.reopen(home: 0, at: BindPlace(address: first, device: name, isUp: true))])
        #expect(watch.isLost(0))
    }

    @Test func nothingOfAnotherInterfaceIsEverUsed() throws {
        var watch = BindWatch([try home(first, .interface(name))])
        #expect(look(&watch, interfaces([("eth0", other), ("eth0", first)])) == [.lost(home: 0)])
    }

    @Test func anAddressFollowsTheInterfaceThatListsIt() throws {
        var watch = BindWatch([try home(first, .address(first))])
        #expect(look(&watch, interfaces([(name, second)])) == [.lost(home: 0)])
        #expect(
            look(&watch, interfaces([(name, second), ("tun3", first)]))
                == [.reopen(home: 0, at: BindPlace(address: first, device: "tun3", isUp: true))])
    }

    @Test func aTargetIsLostWhenAllItsHomesAre() throws {
        let target = BindTarget.interface(name)
        let six = Endpoint.v6(EndpointV6(high: 0x2a00 << 48, low: 2, port: 0))
        var watch = BindWatch([try home(first, target), try home(six, target)])
        // A link that goes down takes the IPv6 addresses with it.
        #expect(look(&watch, interfaces([(name, first)])) == [.lost(home: 1)])
        #expect(!watch.isLost(target) && watch.isLost(1))
        #expect(look(&watch, interfaces([])) == [.lost(home: 0)])
        #expect(watch.isLost(target))
    }

    @Test func anInterfaceGivesItsMostPublicAddress() {
        let list = interfaces([
            ("wg0", .v4(169, 254, 1, 1, port: 0)), ("wg0", first), ("wg0", .v4(44, 1, 2, 3, port: 0)), ("eth0", other),
        ])
        let target = BindTarget.interface("wg0")
        #expect(target.place(.v4, in: list)?.address == .v4(44, 1, 2, 3, port: 0))
        #expect(target.place(.v6, in: list) == nil)
        let used = BindPlace(address: first, device: "wg0", isUp: true)
        #expect(target.place(.v4, in: list, current: used)?.address == first)
        #expect(BindTarget.address(.v4(0, 0, 0, 0, port: 0)).place(.v4, in: list) == nil)
    }
}
