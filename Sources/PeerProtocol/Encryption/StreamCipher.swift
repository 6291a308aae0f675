import Digest

/// What one direction of a connection goes through after the opening: RC4 for ever, for a while, or nothing.
///
/// Not to be copied while in use: every byte of a direction goes through it once, in order.
package struct StreamCipher: Sendable {
    private var rc4: RC4?
    /// How many bytes are still encrypted.
    private var encryptedBytes: Int

    /// Leaves everything as it is.
    package static let transparent = StreamCipher()

    private init() {
        encryptedBytes = 0
    }

    /// After an initial payload plaintext may follow: then only `encryptedBytes` are.
    init(_ rc4: RC4, encryptedBytes: Int = .max) {
        self.rc4 = rc4
        self.encryptedBytes = encryptedBytes
    }

    /// Whether it leaves all that follows as it is, so that buffers may be shared and files sent as they are.
    package var isTransparent: Bool { encryptedBytes == 0 }

    /// Encrypts or decrypts the next bytes of the stream in place.
    package mutating func apply(to bytes: inout MutableRawSpan) {
        let count = take(bytes.byteCount)
        if count > 0 { rc4?.apply(to: &bytes, in: 0..<count) }
    }

    /// The same for all of `bytes` from `offset` on.
    package mutating func apply(to bytes: inout [UInt8], from offset: Int = 0) {
        let count = take(bytes.count - offset)
        if count > 0 { rc4?.apply(to: &bytes, in: offset..<offset + count) }
    }

    /// How many of the next `count` bytes are encrypted.
    private mutating func take(_ count: Int) -> Int {
        guard encryptedBytes < .max else { return count }
        let taken = min(count, encryptedBytes)
        encryptedBytes -= taken
        return taken
    }
}

/// The ciphers of a connection, one for each direction.
package struct StreamCiphers: Sendable {
    package var receiving: StreamCipher
    package var sending: StreamCipher

    /// Of a connection without an encryption handshake.
    package static let transparent = StreamCiphers(receiving: .transparent, sending: .transparent)
}
