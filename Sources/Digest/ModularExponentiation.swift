internal import CLibcrypto

/// Powers of large numbers modulo another one, through libcrypto.
///
/// The time it takes depends on the exponent, so it is for keys that are used once: to learn one from the time of its
/// only use is of no use any more.
package enum ModularExponentiation {
    /// `base` to the power of `exponent` modulo `modulus`, all big-endian, in as many bytes as `modulus` has.
    ///
    /// `modulus` must be odd, as primes are, and above 1.
    package static func power(of base: [UInt8], exponent: [UInt8], modulus: [UInt8]) -> [UInt8] {
        precondition(modulus.last.map { $0 & 1 == 1 } ?? false, "the modulus is not odd")
        guard let context = BN_CTX_new(), let result = BN_new(),
            let baseNumber = BN_bin2bn(base, Int32(base.count), nil),
            let exponentNumber = BN_bin2bn(exponent, Int32(exponent.count), nil),
            let modulusNumber = BN_bin2bn(modulus, Int32(modulus.count), nil)
        else { fatalError("libcrypto has no memory for a number") }
        defer {
            for number in [result, baseNumber, exponentNumber, modulusNumber] { BN_clear_free(number) }
            BN_CTX_free(context)
        }
        var bytes = [UInt8](repeating: 0, count: modulus.count)
        let isDone =
            BN_mod_exp(result, baseNumber, exponentNumber, modulusNumber, context) == 1
            && BN_bn2binpad(result, &bytes, Int32(bytes.count)) == Int32(bytes.count)
        precondition(isDone, "libcrypto does not calculate")
        return bytes
    }
}
