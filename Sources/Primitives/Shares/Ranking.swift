/// Counts by key, and the key with the highest count without a search.
///
/// Each change moves a key between two neighbouring classes of equal count, in constant time on average. The order
/// depends on the sequence of changes alone, never on hashing.
struct Ranking<Key: Hashable & Sendable>: Sendable {
    private struct Place {
        var count: Int
        /// The number of its entry in its class.
        var number: Int
    }

    /// Keys of one count, in the order in which they reached it; some have left, recognised by their number.
    private struct Class {
        var keys: [(key: Key, number: Int)] = []
        var first = 0
        var count = 0
    }

    private var places: [Key: Place] = [:]
    /// Keys by count, those of count `n` at index `n - 1`.
    ///
    /// The last class is never empty.
    private var classes: [Class] = []
    private var nextNumber = 0

    var keyCount: Int { places.count }

    func count(of key: Key) -> Int { places[key]?.count ?? 0 }

    var highestCount: Int { classes.count }

    /// The key with the highest count; of several, the one that reached it first.
    var highest: Key? {
        guard let last = classes.last else { return nil }
        return last.keys[last.first...].first { places[$0.key]?.number == $0.number }?.key
    }

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
        if count > 1 { insert(key, count: count - 1) }
        dropEmptyClasses()
    }

    private mutating func insert(_ key: Key, count: Int) {
        while classes.count < count { classes.append(Class()) }
        places[key] = Place(count: count, number: nextNumber)
        classes[count - 1].keys.append((key, nextNumber))
        classes[count - 1].count += 1
        nextNumber += 1
    }

    private mutating func removeFromClass(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        dropLeft(of: place.count - 1)
    }

    /// Forgets keys that have left: those at the front at once, the others when they are the larger part.
    private mutating func dropLeft(of index: Int) {
        classes[index].count -= 1
        let isHere = { [places] (entry: (key: Key, number: Int)) in places[entry.key]?.number == entry.number }
        while classes[index].first < classes[index].keys.count, !isHere(classes[index].keys[classes[index].first]) {
            classes[index].first += 1
        }
        if classes[index].keys.count > 2 * classes[index].count + 8 {
            classes[index].keys = classes[index].keys[classes[index].first...].filter(isHere)
            classes[index].first = 0
        }
    }

    private mutating func dropEmptyClasses() {
        while let last = classes.last, last.count == 0 { classes.removeLast() }
    }
}
