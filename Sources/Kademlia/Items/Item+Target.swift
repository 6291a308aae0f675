import Digest
package import KRPC
package import Primitives

/// Where an item belongs, and whether it is what it claims to be (BEP 44).
extension Item {
    /// The key of the key space under which it is stored.
    package var target: ID160 {
        signed.map { Self.target(key: $0.key, salt: $0.salt) } ?? SHA1.hash(value)
    }

    package static func target(key: [UInt8], salt: [UInt8]) -> ID160 { SHA1.hash(key + salt) }

    /// Whether the owner of the key signed it; an immutable item needs no signature.
    package var isAuthentic: Bool {
        guard let signed else { return true }
        return Ed25519.isValid(signed.signature, of: Self.signable(value, signed.salt, signed.sequence), by: signed.key)
    }

    /// Whether it has a size that nodes take.
    package var isStorable: Bool {
        value.count <= KRPCLimits.valueByteCount && (signed?.salt.count ?? 0) <= KRPCLimits.saltByteCount
    }

    /// A mutable item of the owner of `seed`, the 32 bytes that an Ed25519 key pair is derived from.
    package static func signed(value: [UInt8], salt: [UInt8] = [], sequence: Int64, seed: [UInt8]) -> Item {
        let signature = Ed25519.signature(of: signable(value, salt, sequence), seed: seed)
        return Item(
            value: value,
            signed: Signed(key: Ed25519.publicKey(seed: seed), salt: salt, sequence: sequence, signature: signature))
    }

    /// What is signed: the entries of a dictionary, without the dictionary around them.
    private static func signable(_ value: [UInt8], _ salt: [UInt8], _ sequence: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        if !salt.isEmpty { bytes += "4:salt\(salt.count):".utf8 + salt }
        bytes += "3:seqi\(sequence)e1:v".utf8 + value
        return bytes
    }
}
