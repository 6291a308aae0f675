import Bencode
package import Primitives

/// The peers in a response: a bencoded list in the datagram, of 6-byte and 18-byte strings (BEP 5, BEP 32).
package struct PeerValues: Hashable, Sendable {
    /// The bencoded list; empty when there is none.
    package let list: Range<Int>

    /// Peers one by one; `bytes` are those that were decoded.
    package func makeIterator(in bytes: RawSpan) -> Iterator {
        Iterator(list, in: bytes)
    }

    package struct Iterator: Sendable {
        private var reader: BencodeReader
        private var isInside: Bool

        fileprivate init(_ list: Range<Int>, in bytes: RawSpan) {
            reader = BencodeReader(bytes, in: list)
            do {
                try reader.enterList(in: bytes)
                isInside = true
            } catch {
                isInside = false
            }
        }

        /// The next peer, or nil at the end; entries that are no endpoint are passed over.
        package mutating func next(in bytes: RawSpan) -> Endpoint? {
            guard isInside else { return nil }
            do {
                while try reader.nextElement(in: bytes) {
                    let entry = try reader.stringOrSkip(in: bytes) ?? 0..<0
                    if let endpoint = Endpoint(compact: bytes, in: entry) { return endpoint }
                }
            } catch {
                // Cannot happen with the bytes that were decoded: the decoder has walked over the whole list.
            }
            isInside = false
            return nil
        }
    }
}
