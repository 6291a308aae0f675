/// The least time in which a file can get from one seed to many peers when it flows like water.
///
/// Each bit has to leave the seed once; no peer takes it faster than its link; and all copies together have to be
/// sent by somebody (Kumar and Ross, "Peer-Assisted File Distribution: The Minimum Distribution Time", 2006).
package struct SwarmBound: Equatable, Sendable {
    package let byteCount: Int
    /// Bytes per second.
    package let seedRate: Double
    package let downRate: Double
    package let downloaders: Int
    /// What all downloaders together can send, in bytes per second.
    package let upRates: Double

    package init(byteCount: Int, seedRate: Double, downRate: Double, downloaders: Int, upRates: Double) {
        (self.byteCount, self.seedRate, self.downRate) = (byteCount, seedRate, downRate)
        (self.downloaders, self.upRates) = (downloaders, upRates)
    }

    /// Seconds until the last peer has all of it, at best.
    package var seconds: Double {
        let bytes = Double(byteCount)
        return max(bytes / seedRate, bytes / downRate, bytes * Double(downloaders) / (seedRate + upRates))
    }

    /// Seconds that a server with the seed's link needs for the same, when nobody helps.
    package var clientServerSeconds: Double {
        let bytes = Double(byteCount)
        return max(bytes / downRate, bytes * Double(downloaders) / seedRate)
    }
}
