import Primitives

/// The options behind an announce over UDP (BEP 41), of which there is one: path and query of the tracker's URL.
enum URLData {
    private static let endOfOptions: UInt8 = 0
    private static let noOperation: UInt8 = 1
    private static let urlData: UInt8 = 2

    /// Appends as many options as it takes; none for a URL without path, which is what BEP 15 alone would send.
    static func append(_ data: [UInt8], to bytes: inout [UInt8]) {
        for start in stride(from: 0, to: data.count, by: 255) {
            let part = data[start..<min(start + 255, data.count)]
            bytes.append(urlData)
            bytes.append(UInt8(part.count))
            bytes += part
        }
    }

    /// What all URL data options from `offset` on hold together, up to `TrackerLimits.urlBytes`.
    ///
    /// Unknown options are passed over by their length; an option that is cut off ends the reading.
    static func read(_ bytes: RawSpan, from offset: Int) -> [UInt8] {
        var data: [UInt8] = []
        var offset = offset
        while offset < bytes.byteCount, case let type = bytes.byte(at: offset), type != endOfOptions {
            offset += 1
            if type == noOperation { continue }
            guard offset < bytes.byteCount, case let length = Int(bytes.byte(at: offset)),
                length < bytes.byteCount - offset
            else { break }
            let content = (offset + 1)..<(offset + 1 + length)
            if type == urlData, data.count + length <= TrackerLimits.urlBytes { data += bytes.copy(content) }
            offset = content.upperBound
        }
        return data
    }
}
