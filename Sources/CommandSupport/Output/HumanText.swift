import Primitives

/// Numbers as people read them; sizes in powers of 1,024 with their unit.
package enum HumanText {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// `0 B`, `1023 B`, `1.0 KiB`, `64.0 MiB`.
    package static func size(_ bytes: Int) -> String {
        var value = Double(max(0, bytes))
        var unit = 0
        // 1023.95 would be rounded up to "1024.0".
        while value >= (unit == 0 ? 1_024 : 1_023.95), unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(bytes < 0 ? 0 : bytes) B" : "\(decimal(value)) \(units[unit])"
    }

    /// Bytes per second.
    package static func rate(_ bytesPerSecond: Double) -> String {
        guard bytesPerSecond.isFinite, bytesPerSecond > 0 else { return "0 B/s" }
        return size(Int(min(bytesPerSecond, 1e18))) + "/s"
    }

    /// `0:07`, `12:34`, `1:02:03`, `3d 04h`.
    package static func clock(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        if days > 0 { return "\(days)d \(twoDigits(hours % 24))h" }
        if hours > 0 { return "\(hours):\(twoDigits(minutes % 60)):\(twoDigits(seconds % 60))" }
        return "\(minutes):\(twoDigits(seconds % 60))"
    }

    /// `0.4 s`, `12.0 s`, `120 s`: for sentences.
    package static func seconds(_ duration: Duration) -> String {
        let value = duration.inSeconds
        return value >= 100 || value == value.rounded() ? "\(Int(min(value, 1e15))) s" : "\(decimal(value)) s"
    }

    /// `0.4 ms`, `12.0 ms`, `120 ms`: for round trips.
    package static func milliseconds(_ duration: Duration) -> String {
        let value = duration.inSeconds * 1_000
        return value >= 100 ? "\(Int(min(value, 1e15))) ms" : "\(decimal(value)) ms"
    }

    /// Whole percent, rounded down: 100 only when all is there.
    package static func percent(_ part: Int, of whole: Int) -> Int {
        guard whole > 0 else { return 0 }
        return Int(Double(min(part, whole)) / Double(whole) * 100 + (part >= whole ? 0.5 : 0))
    }

    /// `1 peer`, `2 peers`.
    package static func count(_ number: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(number) \(number == 1 ? singular : plural ?? singular + "s")"
    }

    /// One digit after the point.
    static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func twoDigits(_ value: Int64) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }
}
