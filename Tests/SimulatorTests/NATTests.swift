import Primitives
import Testing

@testable import Simulator

@Suite struct NATTests {
    private static let local: UInt16 = 6881
    private static let friend = EndpointV4(address: 0x0808_0808, port: 6881)
    private static let otherPort = EndpointV4(address: 0x0808_0808, port: 7000)
    private static let stranger = EndpointV4(address: 0x0909_0909, port: 6881)

    /// Whom each kind lets in a second after the host has sent to `friend`, and the same without having sent.
    @Test(arguments: [
        (NAT.Kind.open, [true, true, true], true), (.fullCone, [true, true, true], false),
        (.addressRestricted, [true, true, false], false), (.portRestricted, [true, false, false], false),
        (.symmetric, [true, false, false], false),
    ])
    func eachKindLetsInWhomItShould(kind: NAT.Kind, admitted: [Bool], isOpenBefore: Bool) {
        let nat = NAT(kind: kind, mappingSeconds: 30)
        var flows = MappingTable(localPort: Self.local)
        let start = Instant.origin + .seconds(100)
        #expect(
            flows.admits(from: Self.friend, to: Self.local, of: 3, behind: nat, now: start) == isOpenBefore)
        let port = flows.sent(by: 3, behind: nat, to: Self.friend, now: start)
        #expect((port == Self.local) == (kind != .symmetric))
        let visitors = [Self.friend, Self.otherPort, Self.stranger]
        let later = start + .seconds(1)
        #expect(visitors.map { flows.admits(from: $0, to: port, of: 3, behind: nat, now: later) } == admitted)
        // A neighbour's mapping is none of ours.
        #expect(
            flows.admits(from: Self.friend, to: port, of: 4, behind: nat, now: later) == isOpenBefore)
    }

    @Test func aMappingEndsAndIsRenewedBySending() {
        let nat = NAT(kind: .portRestricted, mappingSeconds: 30)
        var flows = MappingTable(localPort: Self.local)
        let isOpen = { (flows: MappingTable, seconds: Int) in
            flows.admits(
                from: Self.friend, to: Self.local, of: 0, behind: nat, now: .origin + .seconds(seconds))
        }
        _ = flows.sent(by: 0, behind: nat, to: Self.friend, now: .origin)
        #expect(isOpen(flows, 30) && !isOpen(flows, 31))
        _ = flows.sent(by: 0, behind: nat, to: Self.friend, now: .origin + .seconds(20))
        #expect(isOpen(flows, 50) && !isOpen(flows, 51))
    }

    @Test func aSymmetricTranslatorShowsEachASideOfItsOwn() {
        let nat = NAT(kind: .symmetric, mappingSeconds: 30)
        var flows = MappingTable(localPort: Self.local)
        let first = flows.sent(by: 0, behind: nat, to: Self.friend, now: .origin)
        let second = flows.sent(by: 0, behind: nat, to: Self.stranger, now: .origin)
        #expect(first != second)
        #expect(flows.sent(by: 0, behind: nat, to: Self.friend, now: .origin + .seconds(10)) == first)
        #expect(!flows.admits(from: Self.stranger, to: first, of: 0, behind: nat, now: .origin))
        // The mapping is forgotten, and the next one is another.
        #expect(flows.sent(by: 0, behind: nat, to: Self.friend, now: .origin + .seconds(60)) != first)
    }

    @Test func forgottenFlowsMakeRoom() {
        let nat = NAT(kind: .portRestricted, mappingSeconds: 30)
        var flows = MappingTable(localPort: Self.local)
        for round in 0..<50 {
            for remote in 0..<500 {
                let endpoint = EndpointV4(address: UInt32(round * 500 + remote), port: 1)
                _ = flows.sent(by: 0, behind: nat, to: endpoint, now: .origin + .seconds(round * 300))
            }
        }
        #expect(flows.byteCount <= 4096 * 16)
    }

    @Test func sharesAreMet() {
        var generator = SeededGenerator(number: 1)
        let shares = NATShares.measured.scaled(to: 0.5)
        let drawn = (0..<20_000).map { _ in shares.draw(using: &generator) }
        let share = { (kind: NAT.Kind) in Double(drawn.count { $0.kind == kind }) / 20_000 }
        #expect(abs(share(.open) - 0.5) < 0.015)
        #expect(abs(share(.symmetric) - shares.symmetric) < 0.01)
        #expect(drawn.allSatisfy { $0.kind == .open || (30...120).contains($0.mappingSeconds) })
    }
}
