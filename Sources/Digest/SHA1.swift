internal import CLibcrypto
package import Primitives

/// SHA-1 (FIPS 180-4) through libcrypto, which uses the processor's SHA instructions.
///
/// Feed it in order with `update`; `finish` gives the digest and makes it ready for the next message, so one
/// context serves many pieces. Not `Sendable`: it belongs to whoever hashes.
package final class SHA1 {
    /// Fetched once: looking an algorithm up costs more than hashing a short message.
    private static let algorithm: Algorithm = Algorithm(named: "SHA1")

    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto has no memory for a digest context") }
        self.context = context
        begin()
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        EVP_DigestUpdate(context, base, bytes.count)
    }

    /// The digest of all that was fed since the last call.
    package func finish() -> ID160 {
        var digest = [20 of UInt8](repeating: 0)
        var span = digest.mutableSpan
        span.withUnsafeMutableBufferPointer { _ = EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
        begin()
        return ID160(digest.span.bytes, at: 0)
    }

    /// The digest of one whole message.
    package static func hash(_ bytes: RawSpan) -> ID160 {
        let hasher = SHA1()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }

    package static func hash(_ bytes: [UInt8]) -> ID160 {
        hash(bytes.span.bytes)
    }

    private func begin() {
        EVP_DigestInit_ex2(context, SHA1.algorithm.pointer, nil)
    }
}

/// A fetched libcrypto digest, kept for the life of the process.
private struct Algorithm: @unchecked Sendable {
    /// Immutable once fetched; libcrypto documents fetched algorithms as safe to share between threads.
    let pointer: OpaquePointer

    init(named name: String) {
        guard let pointer = EVP_MD_fetch(nil, name, nil) else { fatalError("libcrypto lacks \(name)") }
        self.pointer = pointer
    }
}
