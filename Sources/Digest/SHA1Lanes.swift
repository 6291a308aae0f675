internal import CSHA1

/// Hashes many SHA-1 messages side by side.
///
/// The words of sixteen messages fit the registers of a processor with AVX-512, and a step for all takes about as long
/// as four for one. So where there is company, a message costs a quarter; alone it goes through libcrypto.
/// See docs/decisions/0009-sha1-lanes.md.
package struct SHA1Lanes {
    /// Messages that are worth waiting for: more are hashed no faster.
    package static let count = mainline_sha1_has_lanes() != 0 ? Int(MAINLINE_SHA1_LANES) : 1

    /// From so many messages on the lanes are faster than one message after the other.
    private static let worthwhile = 5

    private let canUseLanes: Bool
    private var lanes: [Lane] = []
    private var words = LaneWords()

    /// A message, and the blocks of it that come next.
    private struct Lane {
        let stream: SHA1Stream
        var blocks: UnsafeRawBufferPointer
        /// Which column of `words` is its own.
        let column: Int
    }

    package init() {
        self.init(usingLanes: SHA1Lanes.count > 1)
    }

    init(usingLanes: Bool) {
        canUseLanes = usingLanes
    }

    /// Hashes all that was appended to the streams and fills a block; the rest waits in them.
    package mutating func hash(_ streams: some Sequence<SHA1Stream>) {
        var waiting = streams.makeIterator()
        guard canUseLanes else {
            while let stream = waiting.next() { SHA1Lanes.hashAlone(stream) }
            return
        }
        var free = Array((0..<Int(MAINLINE_SHA1_LANES)).reversed())
        while true {
            while let column = free.last, let stream = waiting.next() {
                guard let blocks = stream.takeBlocks() else { continue }
                words.load(stream.words, into: column)
                lanes.append(Lane(stream: stream, blocks: blocks, column: column))
                free.removeLast()
            }
            guard lanes.count >= SHA1Lanes.worthwhile else { break }
            advance(&free)
        }
        for lane in lanes {
            words.store(lane.column, into: lane.stream)
            lane.stream.hash(lane.blocks)
            SHA1Lanes.hashAlone(lane.stream)
        }
        lanes.removeAll(keepingCapacity: true)
    }

    /// Steps all lanes to the end of the shortest run of blocks.
    private mutating func advance(_ free: inout [Int]) {
        let count = lanes.reduce(Int.max) { min($0, $1.blocks.count) }
        words.hash(count, of: lanes.lazy.map { ($0.column, $0.blocks.baseAddress) })
        var index = 0
        while index < lanes.count {
            lanes[index].blocks = UnsafeRawBufferPointer(rebasing: lanes[index].blocks[count...])
            if lanes[index].blocks.isEmpty {
                guard let next = lanes[index].stream.takeBlocks() else {
                    words.store(lanes[index].column, into: lanes[index].stream)
                    free.append(lanes[index].column)
                    lanes.swapAt(index, lanes.count - 1)
                    lanes.removeLast()
                    continue
                }
                lanes[index].blocks = next
            }
            index += 1
        }
    }

    private static func hashAlone(_ stream: SHA1Stream) {
        while let blocks = stream.takeBlocks() { stream.hash(blocks) }
    }
}

/// The words of all lanes: word by word, as the processor wants them.
private struct LaneWords {
    private var words = [UInt32](repeating: 0, count: 5 * LaneWords.width)
    private static let width = Int(MAINLINE_SHA1_LANES)

    mutating func load(_ message: [5 of UInt32], into column: Int) {
        for index in message.indices { words[index * LaneWords.width + column] = message[index] }
    }

    func store(_ column: Int, into stream: SHA1Stream) {
        for index in stream.words.indices { stream.words[index] = words[index * LaneWords.width + column] }
    }

    /// Columns without blocks are given some of another; what becomes of their words does not matter.
    mutating func hash(_ byteCount: Int, of blocks: some Sequence<(column: Int, base: UnsafeRawPointer?)>) {
        withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: LaneWords.width) { data in
            data.initialize(repeating: nil)
            var some: UnsafePointer<UInt8>?
            for (column, base) in blocks {
                some = base?.assumingMemoryBound(to: UInt8.self)
                data[column] = some
            }
            for column in data.indices where data[column] == nil { data[column] = some }
            words.withUnsafeMutableBufferPointer { words in
                mainline_sha1_blocks_x16(words.baseAddress, data.baseAddress, byteCount / SHA1Stream.blockBytes)
            }
        }
    }
}
