import ArgumentParser
import Metainfo
import Primitives

/// Ids and infohashes as they stand on the command line.
enum TargetText {
    static func id(_ text: String) throws -> ID160 {
        guard let id = ID160(hex: text) else { throw ValidationError("an id is 40 hexadecimal digits.") }
        return id
    }

    /// Hexadecimal, base32, or a whole magnet link.
    static func infoHash(_ text: String) throws -> InfoHash {
        do {
            return try Magnet(text).infoHash
        } catch {
            throw ValidationError("an infohash is 40 hexadecimal or 32 base32 digits, or in a magnet link.")
        }
    }
}
