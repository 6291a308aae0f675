/// Counts by key, and the key with the highest count without a search.
///
/// Each change moves a key between two neighbouring classes of equal count, in constant time. The order depends on the
/// sequence of changes alone, never on hashing.
struct Ranking<Key: Hashable & Sendable>: Sendable {
    private struct Place {
        var count: Int
        /// Where the key lies in its class.
        var position: Int
    }

    private var places: [Key: Place] = [:]
    /// Keys by count, those of count `n` at index `n - 1`.
    ///
    /// The last class is never empty.
    private var classes: [[Key]] = []

    var keyCount: Int { places.count }

    func count(of key: Key) -> Int { places[key]?.count ?? 0 }

    /// The key with the highest count; of several, the one that reached it last.
    var highest: Key? { classes.last?.last }

    mutating func increment(_ key: Key) {
        let count = count(of: key)
        if count > 0 { removeFromClass(key) }
        insert(key, count: count + 1)
        dropEmptyClasses()
    }

    mutating func decrement(_ key: Key) {
        let count = count(of: key)
        guard count > 0 else { return }
        removeFromClass(key)
        if count > 1 { insert(key, count: count - 1) } else { places[key] = nil }
        dropEmptyClasses()
    }

    private mutating func insert(_ key: Key, count: Int) {
        while classes.count < count { classes.append([]) }
        places[key] = Place(count: count, position: classes[count - 1].count)
        classes[count - 1].append(key)
    }

    private mutating func removeFromClass(_ key: Key) {
        guard let place = places[key] else { return }
        let last = classes[place.count - 1].removeLast()
        guard last != key else { return }
        classes[place.count - 1][place.position] = last
        places[last]?.position = place.position
    }

    private mutating func dropEmptyClasses() {
        while classes.last?.isEmpty == true { classes.removeLast() }
    }
}
