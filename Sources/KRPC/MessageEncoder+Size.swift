package import Primitives

/// How long replies become, so that none exceeds `KRPCLimits.messageByteCount`.
extension MessageEncoder {
    /// The exact length of a reply to a transaction of `transactionByteCount` bytes.
    package static func byteCount(
        of content: ReplyContent, transactionByteCount: Int, observed: Endpoint? = nil
    ) -> Int {
        var count = "d1:rd2:idee1:t1:v1:y1:r".utf8.count
        count += string(ID160.byteCount) + string(transactionByteCount) + string(MemoryLayout<UInt32>.size)
        if let observed { count += "2:ip".utf8.count + observed.family.bencodedByteCount }
        if let nodes = content.nodes {
            count += "5:nodes".utf8.count + string(nodes.count * CompactNodes.stride(of: .v4))
        }
        if let nodes6 = content.nodes6 {
            count += "6:nodes6".utf8.count + string(nodes6.count * CompactNodes.stride(of: .v6))
        }
        if content.token != nil { count += "5:token".utf8.count + string(MemoryLayout<UInt64>.size) }
        if !content.values.isEmpty {
            count += valuesOverhead
            for peer in content.values { count += peer.family.bencodedByteCount }
        }
        return count + content.extra.byteCount
    }

    /// How many values of one family may be added to `content`, which has none yet.
    package static func valuesThatFit(
        _ family: Endpoint.Family, beside content: ReplyContent, transactionByteCount: Int, observed: Endpoint? = nil,
        limit: Int = KRPCLimits.messageByteCount
    ) -> Int {
        let others = byteCount(of: content, transactionByteCount: transactionByteCount, observed: observed)
        return max(0, limit - others - valuesOverhead) / family.bencodedByteCount
    }

    private static let valuesOverhead = "6:valuesle".utf8.count

    /// The bencoded length of a string of `count` bytes.
    static func string(_ count: Int) -> Int { digits(UInt64(count)) + 1 + count }

    /// The bencoded length of an integer.
    static func integer(_ value: Int64) -> Int { digits(value.magnitude) + (value < 0 ? 3 : 2) }

    private static func digits(_ number: UInt64) -> Int {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }
}
