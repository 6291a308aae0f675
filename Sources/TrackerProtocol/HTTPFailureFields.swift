import Bencode
import Primitives

/// `failure reason` (BEP 3) and `retry in` (BEP 31), which may stand in any HTTP reply.
struct HTTPFailureFields {
    private var reason: String?
    private var advice = TrackerFailure.RetryAdvice.none

    /// Returns false, with nothing read, if `key` is neither of the two.
    mutating func read(
        _ key: Range<Int>, _ bytes: RawSpan, with reader: inout BencodeReader
    ) throws(BencodeError) -> Bool {
        if bytes.matches("failure reason", at: key) {
            reason = try reader.stringOrSkip(in: bytes).map { bytes.trackerText($0) } ?? ""
        } else if bytes.matches("retry in", at: key) {
            advice = try Self.advice(bytes, with: &reader)
        } else {
            return false
        }
        return true
    }

    /// Throws what the tracker refused with, or the status if that is not good either.
    func check(status: Int) throws(TrackerFailure) {
        if let reason { throw .refused(reason, retry: advice) }
        guard status == 200 else { throw .status(status) }
    }

    /// Minutes as a number or as digits, or `never`.
    private static func advice(
        _ bytes: RawSpan, with reader: inout BencodeReader
    ) throws(BencodeError) -> TrackerFailure.RetryAdvice {
        var minutes: Int64?
        if try reader.kind(in: bytes) == .string {
            let range = try reader.string(in: bytes)
            if bytes.matches("never", at: range) { return .never }
            minutes = Int64(bytes.trackerText(range))
        } else {
            minutes = try reader.integerOrSkip(in: bytes)
        }
        guard let minutes, minutes > 0 else { return .none }
        // A year is as good as anything above it.
        return .after(.seconds(60 * min(minutes, 525_600)))
    }
}
