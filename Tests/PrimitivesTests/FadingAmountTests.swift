import Primitives
import Testing

@Suite struct FadingAmountTests {
    @Test func itHalvesWithTime() {
        var amount = FadingAmount(halfLife: .seconds(60))
        amount.add(8, now: .origin + .seconds(1_000))
        #expect(amount.amount(now: .origin + .seconds(1_059)) == 8)
        #expect(amount.amount(now: .origin + .seconds(1_060)) == 4)
        amount.add(1, now: .origin + .seconds(1_061))
        #expect(amount.amount(now: .origin + .seconds(1_119)) == 5)
        #expect(amount.amount(now: .origin + .seconds(1_120)) == 2)
        #expect(amount.amount(now: .origin + .seconds(100_000)) == 0)
    }
}
