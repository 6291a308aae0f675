import KRPC
import Kademlia
import Primitives
import TestSupport

/// `Configuration.Limits` of items (BEP 44) and samples (BEP 51).
extension LimitCase {
    static let items: [LimitCase] = [
        LimitCase("itemCount") {
            $0.limits.itemCount = 5
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 { scene.put(Item(value: Array("i\(number)e".utf8)), by: scene.stranger(number)) }
            return scene.statistics.refused.evictedItems
        },
        LimitCase("signatureChecksPerSecond") {
            $0.limits.signatureChecksPerSecond = 3
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 as Range<Int64> {
                scene.put(signed(number), by: scene.stranger(Int(number)))
            }
            return scene.statistics.refused.signatureChecks
        },
        LimitCase("publicationCount") {
            $0.limits.publicationCount = 3
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<5 as Range<Int64> {
                scene.bench.command(.publish(LookupID(UInt64(number)), signed(number)))
            }
            return scene.statistics.refused.publications
        },
        LimitCase("sampledNodeCount") {
            $0.limits.sampledNodeCount = 4
        } refusals: {
            var scene = LimitScene($0)
            scene.bench.command(.bootstrap((0..<8).map(scene.endpoint)))
            _ = scene.sent()
            scene.bench.command(.lookup(LookupID(1), target: .zero, .sample))
            for _ in 0..<8 {
                for query in scene.sent() {
                    let content = ReplyContent(nodes: [], extra: .samples([], interval: 600, total: 0))
                    scene.answer(query, as: scene.stranger(1), content)
                }
            }
            return scene.statistics.refused.forgottenSamples
        },
        LimitCase("infoHashesPerSample") {
            $0.limits.infoHashesPerSample = 2
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 {
                scene.announce(InfoHash(high: UInt64(number), middle: 0, low: 0), by: scene.stranger(number))
            }
            let asker = scene.stranger(100)
            scene.receive(asker.sampleInfoHashes(.zero), from: asker)
            return scene.statistics.refused.unsampledInfoHashes
        },
    ]

    private static func signed(_ sequence: Int64) -> Item {
        .signed(
            value: Array("0:".utf8), salt: [UInt8(sequence)], sequence: sequence, seed: [UInt8](repeating: 1, count: 32)
        )
    }
}
