internal import CLibcrypto

/// Ed25519 signatures (RFC 8032) through libcrypto.
package enum Ed25519 {
    package static let keyByteCount = 32
    package static let signatureByteCount = 64
    /// Of the secret that a key pair is derived from.
    package static let seedByteCount = 32

    /// Whether the owner of `key` signed `message`; false when a length is wrong, too.
    package static func isValid(_ signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
        guard key.count == keyByteCount, signature.count == signatureByteCount,
            let publicKey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, key, key.count)
        else { return false }
        defer { EVP_PKEY_free(publicKey) }
        guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto has no memory for a signature") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, publicKey) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// The public key that belongs to a seed of 32 bytes.
    package static func publicKey(seed: [UInt8]) -> [UInt8] {
        withPrivateKey(seed) { privateKey in
            var key = [UInt8](repeating: 0, count: keyByteCount)
            var count = key.count
            let isDone = EVP_PKEY_get_raw_public_key(privateKey, &key, &count) == 1
            precondition(isDone && count == keyByteCount, "libcrypto gives no public key")
            return key
        }
    }

    /// The signature of the owner of the seed, which has 32 bytes.
    package static func signature(of message: [UInt8], seed: [UInt8]) -> [UInt8] {
        withPrivateKey(seed) { privateKey in
            guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto has no memory for a signature") }
            defer { EVP_MD_CTX_free(context) }
            var signature = [UInt8](repeating: 0, count: signatureByteCount)
            var count = signature.count
            let isDone =
                EVP_DigestSignInit(context, nil, nil, nil, privateKey) == 1
                && EVP_DigestSign(context, &signature, &count, message, message.count) == 1
            precondition(isDone && count == signatureByteCount, "libcrypto does not sign")
            return signature
        }
    }

    private static func withPrivateKey<Result>(_ seed: [UInt8], _ body: (OpaquePointer) -> Result) -> Result {
        precondition(seed.count == seedByteCount, "a seed of Ed25519 has 32 bytes")
        guard let privateKey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            fatalError("libcrypto lacks Ed25519")
        }
        defer { EVP_PKEY_free(privateKey) }
        return body(privateKey)
    }
}
