/// The arguments of `put` (BEP 44), as ranges of the datagram.
package struct PutArguments: Hashable, Sendable {
    /// What makes an item mutable.
    package struct Signed: Hashable, Sendable {
        /// 32 bytes.
        package let key: Range<Int>
        /// 64 bytes.
        package let signature: Range<Int>
        package let sequence: Int64
        /// Empty when there is none.
        package let salt: Range<Int>
    }

    package let token: Range<Int>
    /// The value as it is bencoded.
    package let value: Range<Int>
    package let signed: Signed?
    /// Only to be stored if this is the sequence number of what is there.
    package let expectedSequence: Int64?
}

/// What a response to `get` says beside nodes and token (BEP 44), as ranges of the datagram.
package struct ItemFields: Hashable, Sendable {
    /// The value as it is bencoded.
    package let value: Range<Int>?
    /// 32 bytes.
    package let key: Range<Int>?
    /// 64 bytes.
    package let signature: Range<Int>?
    package let sequence: Int64?
}

/// What a response to `sample_infohashes` says beside nodes (BEP 51).
package struct SampleFields: Hashable, Sendable {
    /// In seconds, when the responder will have another sample; at most six hours are believed.
    package let interval: Int
    /// How many infohashes the responder stores; 0 when it does not say.
    package let total: Int
    /// Infohashes one after the other in the datagram.
    package let hashes: Range<Int>

    package var count: Int { hashes.count / 20 }
}

/// The Bloom filters in a response to `get_peers` with `scrape` (BEP 33), 256 bytes each in the datagram.
package struct FilterFields: Hashable, Sendable {
    /// `BFsd`.
    package let seeds: Range<Int>
    /// `BFpe`.
    package let peers: Range<Int>
}
