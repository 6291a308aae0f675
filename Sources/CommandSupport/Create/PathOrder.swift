/// The order of files in a torrent that is made: component by component, by their bytes.
///
/// It depends on names alone, not on the file system or the language of the user, so that the same files always make
/// the same torrent.
package enum PathOrder {
    package static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (one, other) in zip(left, right) where one != other || !one.utf8.elementsEqual(other.utf8) {
            return one.utf8.lexicographicallyPrecedes(other.utf8)
        }
        return left.count < right.count
    }
}
