import Bencode
package import Primitives

/// The counts of torrents at one tracker (BEP 48).
package struct ScrapeReply: Hashable, Sendable {
    /// One torrent of the reply.
    package struct File: Hashable, Sendable {
        /// The torrent.
        package let infoHash: InfoHash
        /// Its peers at this tracker.
        package let counts: SwarmCounts

        package init(infoHash: InfoHash, counts: SwarmCounts) {
            self.infoHash = infoHash
            self.counts = counts
        }
    }

    /// In the tracker's order.
    package var files: [File] = []

    /// A reply with these torrents.
    package init(files: [File] = []) {
        self.files = files
    }

    /// Reads what the body of an HTTP reply says of the torrents that were `asked` for.
    ///
    /// Some trackers answer with all that they have. Counts that are missing are 0.
    package init(http body: RawSpan, of asked: [InfoHash], status: Int = 200) throws(TrackerFailure) {
        var failure = HTTPFailureFields()
        do throws(BencodeError) {
            var reader = BencodeReader(body, limits: .trackerReply)
            try reader.enterDictionary(in: body)
            while let key = try reader.nextKey(in: body) {
                if try failure.read(key, body, with: &reader) { continue }
                if body.matches("files", at: key) {
                    try readFiles(of: asked, body, with: &reader)
                } else {
                    _ = try reader.skip(in: body)
                }
            }
        } catch {
            throw status == 200 ? .malformed(error) : .status(status)
        }
        try failure.check(status: status)
    }

    private mutating func readFiles(
        of asked: [InfoHash], _ bytes: RawSpan, with reader: inout BencodeReader
    ) throws(BencodeError) {
        guard try reader.enterDictionaryOrSkip(in: bytes) else { return }
        while let name = try reader.nextKey(in: bytes) {
            let infoHash = name.count == InfoHash.byteCount ? InfoHash(bytes, at: name.lowerBound) : nil
            guard let infoHash, asked.contains(infoHash), files.count < asked.count else {
                _ = try reader.skip(in: bytes)
                continue
            }
            guard let counts = try readCounts(bytes, with: &reader) else { continue }
            files.append(File(infoHash: infoHash, counts: counts))
        }
    }

    private func readCounts(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) -> SwarmCounts? {
        guard try reader.enterDictionaryOrSkip(in: bytes) else { return nil }
        var counts = SwarmCounts(seeders: 0, completed: 0, leechers: 0)
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("complete", at: key) {
                counts.seeders = try reader.countOrSkip(in: bytes) ?? 0
            } else if bytes.matches("downloaded", at: key) {
                counts.completed = try reader.countOrSkip(in: bytes) ?? 0
            } else if bytes.matches("incomplete", at: key) {
                counts.leechers = try reader.countOrSkip(in: bytes) ?? 0
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
        return counts
    }
}
