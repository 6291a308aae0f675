/// RC4, the stream cipher of encrypted peer connections: it hides a stream from simple filters, and no more.
///
/// Written out here because OpenSSL 3 has it only in the legacy provider, which need not be installed. A copy goes on
/// with the same key stream, so a stream has exactly one of these.
package struct RC4: Sendable {
    private var permutation: [256 of UInt8]
    private var i: UInt8 = 0
    private var j: UInt8 = 0

    /// The first bytes of the key stream tell about the key, which has 1 to 256 bytes: `discarding` passes over them.
    package init(key: [UInt8], discarding count: Int = 0) {
        precondition((1...256).contains(key.count), "a key of RC4 has 1 to 256 bytes")
        permutation = [256 of UInt8] { UInt8($0) }
        var j: UInt8 = 0
        for i in 0..<256 {
            j &+= permutation[i] &+ key[i % key.count]
            permutation.swapAt(i, Int(j))
        }
        discard(count)
    }

    /// Encrypts plain bytes, decrypts encrypted ones: both are an XOR with the next bytes of the key stream.
    package mutating func apply(to bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices { bytes[index] ^= nextByte() }
    }

    /// The same for `range` of `bytes`, within which it must lie.
    package mutating func apply(to bytes: inout MutableRawSpan, in range: Range<Int>) {
        bytes.withUnsafeMutableBytes { apply(to: UnsafeMutableRawBufferPointer(rebasing: $0[range])) }
    }

    /// The same for `range` of `bytes`, within which it must lie.
    package mutating func apply(to bytes: inout [UInt8], in range: Range<Int>) {
        bytes.withUnsafeMutableBytes { apply(to: UnsafeMutableRawBufferPointer(rebasing: $0[range])) }
    }

    /// Passes over bytes that nobody wants to see.
    package mutating func discard(_ count: Int) {
        for _ in 0..<count { _ = nextByte() }
    }

    private mutating func nextByte() -> UInt8 {
        i &+= 1
        let atI = permutation[Int(i)]
        j &+= atI
        let atJ = permutation[Int(j)]
        permutation[Int(i)] = atJ
        permutation[Int(j)] = atI
        return permutation[Int(atI &+ atJ)]
    }
}
