import Primitives
import TrackerProtocol

let torrentHash = InfoHash(high: 0x1234_5678_9abc_def1, middle: 0x2345_6789_abcd_ef12, low: 0x3456_789a)
let otherHash = InfoHash(high: 1, middle: 2, low: 3)
let ourID = ID160(Array("-MN0100-~._-abc +&=%".utf8)) ?? .zero

/// What an announce says unless a test wants something else.
func announceRequest(_ change: (inout AnnounceRequest) -> Void = { _ in }) -> AnnounceRequest {
    var request = AnnounceRequest(infoHash: torrentHash, peerID: ourID, port: 6881)
    request.key = 0xAB
    change(&request)
    return request
}

/// Bytes written as groups of hexadecimal digits.
func bytes(_ hex: String) -> [UInt8] {
    Hex.decode(hex.filter { !$0.isWhitespace }) ?? []
}

func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(value)
    return bytes
}

func announceReply(_ text: String, status: Int = 200) throws(TrackerFailure) -> AnnounceReply {
    try announceReply(Array(text.utf8), status: status)
}

func announceReply(_ bytes: [UInt8], status: Int = 200) throws(TrackerFailure) -> AnnounceReply {
    try AnnounceReply(http: bytes.span.bytes, status: status)
}

/// A bencoded string.
func string(_ content: [UInt8]) -> [UInt8] {
    Array("\(content.count):".utf8) + content
}

/// `count` peers, all different, with ports from 1.
func peers(_ count: Int, family: Endpoint.Family = .v4) -> [Endpoint] {
    (1...max(count, 1)).prefix(count).map { number in
        let port = UInt16(truncatingIfNeeded: number)
        return family == .v4
            ? .v4(EndpointV4(address: 0x5000_0000 + UInt32(number), port: port))
            : .v6(EndpointV6(high: 0x2001_0db9_0000_0000, low: UInt64(number), port: port))
    }
}

func compact(_ peers: [Endpoint]) -> [UInt8] {
    var bytes: [UInt8] = []
    for peer in peers { peer.appendCompact(to: &bytes) }
    return bytes
}

extension Instant {
    static func seconds(_ seconds: Int) -> Instant { .origin + .seconds(seconds) }
}
