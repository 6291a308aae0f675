import KRPC
import Primitives

/// Decoding and encoding of the messages that a node sees most.
func measureMessages(with meter: inout Meter) {
    for sample in Sample.all {
        let packet = sample.bytes
        meter.measure("decode \(sample.name)") { count in
            var transactions = 0
            for _ in 0..<count {
                if let message = try? Message.decode(packet.span.bytes) { transactions += message.transaction.count }
            }
            keep(transactions)
        }
        var bytes: [UInt8] = []
        meter.measure("encode \(sample.name)") { count in
            for _ in 0..<count {
                bytes.removeAll(keepingCapacity: true)
                sample.encode(&bytes)
            }
        }
    }
}

/// A message, and how it is made.
private struct Sample {
    let name: String
    let encode: (inout [UInt8]) -> Void

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        encode(&bytes)
        return bytes
    }

    static var all: [Sample] {
        var generator = SeededGenerator(number: 1)
        let encoder = MessageEncoder(id: .random(using: &generator))
        let target = ID160.random(using: &generator)
        let nodes = (0..<8).map { _ in
            Contact(id: .random(using: &generator), endpoint: .random(using: &generator))
        }
        let peers = (0..<50).map { _ in Endpoint.random(using: &generator) }
        let asker = Endpoint.random(using: &generator)
        var query: [UInt8] = []
        encoder.getPeers(infoHash: target, number: 1, into: &query)
        let transaction = (try? Message.decode(query.span.bytes))?.transaction ?? 0..<0
        let token: [UInt8] = Array(1...8)
        let reply = { (content: ReplyContent) in
            { [query] (bytes: inout [UInt8]) in
                encoder.reply(content, to: transaction, of: query.span.bytes, observed: asker, into: &bytes)
            }
        }
        return [
            Sample(name: "ping") { encoder.ping(number: 1, into: &$0) },
            Sample(name: "find_node") { encoder.findNode(target: target, number: 1, into: &$0) },
            Sample(name: "get_peers") { encoder.getPeers(infoHash: target, number: 1, into: &$0) },
            Sample(name: "announce_peer") {
                encoder.announcePeer(
                    infoHash: target, port: 6881, impliedPort: true, token: token, number: 1, into: &$0)
            },
            Sample(name: "reply: pong", encode: reply(ReplyContent())),
            Sample(name: "reply: 8 nodes", encode: reply(ReplyContent(nodes: nodes))),
            Sample(
                name: "reply: 8 nodes, token, 50 peers",
                encode: reply(ReplyContent(nodes: nodes, token: 1 << 60, values: peers))),
        ]
    }
}

extension Endpoint {
    /// Somewhere on the internet.
    static func random(using generator: inout SeededGenerator) -> Endpoint {
        .v4(EndpointV4(address: UInt32.random(in: 0x1800_0000...0x37FF_FFFF, using: &generator), port: 6881))
    }
}
