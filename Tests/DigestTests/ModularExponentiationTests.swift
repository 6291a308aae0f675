import Digest
import Primitives
import Testing

@Suite struct ModularExponentiationTests {
    /// The numbers are big-endian and in hexadecimal.
    @Test(arguments: [
        ("04", "0d", "01f1", "01bd"), ("02", "00", "07", "01"), ("00", "05", "07", "00"),
        ("03", "02", "000007", "000002"),
        ("ff", "01", "07", "03"), ("", "01", "07", "00"), ("05", "", "07", "01"),
        ("0123456789abcdef", "fedcba9876543210", "ffffffffffffffc5", "e5fd58e46915a48b"),
    ])
    func smallNumbersComeOutRight(base: String, exponent: String, modulus: String, power: String) throws {
        let bytes = ModularExponentiation.power(
            of: try #require(Hex.decode(base)), exponent: try #require(Hex.decode(exponent)),
            modulus: try #require(Hex.decode(modulus)))
        #expect(Hex.encode(bytes) == power)
    }

    /// Fermat's little theorem, with a prime of 521 bits.
    @Test func aLargePrimeKeepsItsTheorem() {
        let prime = [0x01] + [UInt8](repeating: 0xff, count: 65)
        let primeMinusOne: [UInt8] = prime.dropLast() + [0xfe]
        let one = [UInt8](repeating: 0, count: 65) + [1]
        var generator = SeededGenerator(number: 1)
        for _ in 0..<8 {
            let base = generator.bytes(count: 60)
            #expect(ModularExponentiation.power(of: base, exponent: primeMinusOne, modulus: prime) == one)
        }
    }
}
