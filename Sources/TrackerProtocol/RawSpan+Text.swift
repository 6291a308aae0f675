import Primitives

extension RawSpan {
    /// Text from a tracker: what is not UTF-8 repaired, cut after at most `TrackerLimits.textBytes`.
    func trackerText(_ range: Range<Int>) -> String {
        let limit = TrackerLimits.textBytes
        // Four bytes more, so that the last character that fits is whole.
        var text = ""
        for scalar in String(decoding: copy(range.prefix(limit + 4)), as: UTF8.self).unicodeScalars {
            guard text.utf8.count + UTF8.width(scalar) <= limit else { break }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}
