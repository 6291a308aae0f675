import Primitives
import Testing

@Suite struct HostLedgerTests {
    private func host(_ number: Int, port: UInt16 = 1) -> Endpoint { .v4(10, 0, UInt8(number), 1, port: port) }

    @Test func amountsAddUpWhateverThePort() {
        var ledger = HostLedger(hostsMax: 10, halfLife: .seconds(60))
        ledger.add(3, to: host(1), now: .origin)
        ledger.add(4, to: host(1, port: 9), now: .origin)
        #expect(ledger.amount(of: host(1, port: 5), now: .origin) == 7)
        #expect(ledger.amount(of: host(2), now: .origin) == 0)
    }

    @Test func amountsHalve() {
        var ledger = HostLedger(hostsMax: 10, halfLife: .seconds(60))
        ledger.add(1_000, to: host(1), now: .origin)
        #expect(ledger.amount(of: host(1), now: .origin + .seconds(59)) == 1_000)
        // Additions in between do not keep the old amount from halving.
        for second in stride(from: 10, through: 110, by: 10) {
            ledger.add(0, to: host(1), now: .origin + .seconds(second))
        }
        #expect(ledger.amount(of: host(1), now: .origin + .seconds(119)) == 500)
        #expect(ledger.amount(of: host(1), now: .origin + .seconds(120)) == 250)
        #expect(ledger.amount(of: host(1), now: .origin + .seconds(1_000_000)) == 0)
    }

    @Test func aFullLedgerForgetsTheGreediestNetwork() {
        var ledger = HostLedger(hostsMax: 4, halfLife: .seconds(60))
        ledger.add(1, to: host(7), now: .origin)
        for number in 1...100 { ledger.add(1, to: .v4(1, 1, 1, UInt8(number), port: 1), now: .origin) }
        #expect(ledger.count == 4)
        #expect(ledger.amount(of: host(7), now: .origin) == 1)
    }

    @Test func aHostOfIPv6IsItsNetwork() {
        var ledger = HostLedger(hostsMax: 4, halfLife: .seconds(60))
        let (first, second) = (
            Endpoint.v6(EndpointV6(high: 0x2001_0db8_0000_0001, low: 1, port: 1)),
            Endpoint.v6(EndpointV6(high: 0x2001_0db8_0000_0002, low: 2, port: 2))
        )
        ledger.add(5, to: first, now: .origin)
        #expect(ledger.amount(of: second, now: .origin) == 5)
    }
}
