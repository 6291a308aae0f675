import Digest
import Primitives

/// One side's half of the Diffie-Hellman exchange that opens an encrypted connection.
struct KeyExchange: Sendable {
    /// Of public keys and of the secret: 768 bits.
    static let keyByteCount = 96
    /// 160 bits: more make the exchange slower, fewer than 128 are advised against.
    private static let privateKeyByteCount = 20
    private static let generator: [UInt8] = [2]

    /// The prime of MSE as big-endian words.
    private static let primeWords: [UInt64] = [
        0xffff_ffff_ffff_ffff, 0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1, 0x2902_4e08_8a67_cc74,
        0x020b_bea6_3b13_9b22, 0x514a_0879_8e34_04dd, 0xef95_19b3_cd3a_431b, 0x302b_0a6d_f25f_1437,
        0x4fe1_356d_6d51_c245, 0xe485_b576_625e_7ec6, 0xf44c_42e9_a63a_3621, 0x0000_0000_0009_0563,
    ]
    static let prime: [UInt8] = primeWords.reduce(into: []) { $0.appendBigEndian($1) }
    /// The prime is odd, so this takes no borrowing.
    private static let primeMinusOne: [UInt8] = prime.dropLast() + [prime[keyByteCount - 1] - 1]
    private static let one = [UInt8](repeating: 0, count: keyByteCount - 1) + [1]

    let publicKey: [UInt8]
    private let privateKey: [UInt8]

    init(using generator: inout SeededGenerator) {
        privateKey = generator.bytes(count: KeyExchange.privateKeyByteCount)
        publicKey = ModularExponentiation.power(
            of: KeyExchange.generator, exponent: privateKey, modulus: KeyExchange.prime)
    }

    /// What both sides know once they have each other's public key, which has `keyByteCount` bytes.
    ///
    /// Nil for 0, 1, the prime less 1 and beyond: then the secret would be one of three numbers.
    func secret(with peerKey: [UInt8]) -> SharedSecret? {
        guard KeyExchange.one.lexicographicallyPrecedes(peerKey),
            peerKey.lexicographicallyPrecedes(KeyExchange.primeMinusOne)
        else { return nil }
        return SharedSecret(
            bytes: ModularExponentiation.power(of: peerKey, exponent: privateKey, modulus: KeyExchange.prime))
    }
}
