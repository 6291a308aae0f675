package import Bencode

/// Why an announce or a scrape brought nothing; texts come from the network, cut short but not escaped.
package enum TrackerFailure: Error, Hashable, Sendable {
    /// The tracker said no: `failure reason` (BEP 3), or an error packet (BEP 15).
    case refused(String, retry: RetryAdvice)
    /// Not a bencoded dictionary: a web page, or half a reply.
    case malformed(BencodeError)
    /// A reply above `TrackerLimits.replyBytes`; said by the owner, who stops reading there.
    case tooLarge
    /// An HTTP status without a reply of a tracker.
    case status(Int)
    case timedOut
    /// The host has no address of the family that was asked for.
    case noAddress
    /// What the owner saw: no such name, connection refused, a broken certificate.
    case unreachable(String)

    /// `retry in` (BEP 31).
    package enum RetryAdvice: Hashable, Sendable {
        case none
        case after(Duration)
        /// This is no tracker, or not for this torrent: not to be asked again.
        case never
    }
}

extension TrackerFailure: CustomStringConvertible {
    /// Half a sentence for people: what went wrong.
    package var description: String {
        switch self {
        case .refused(let reason, _): "refused: \(reason)"
        case .malformed: "the reply is not one of a tracker"
        case .tooLarge: "the reply is longer than \(TrackerLimits.replyBytes >> 10) KiB"
        case .status(let status): "HTTP status \(status)"
        case .timedOut: "no reply in time"
        case .noAddress: "the host has no address of this family"
        case .unreachable(let reason): reason
        }
    }
}
