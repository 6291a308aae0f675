/// One value or none, in 8 bytes: what few of a million nodes need, or what many of them share.
///
/// Copies share the value until one of them changes it.
struct Boxed<Value> {
    private var storage: [Value]

    /// None.
    init() {
        storage = []
    }

    init(_ value: Value) {
        storage = [value]
    }

    var isEmpty: Bool { storage.isEmpty }

    /// The value, which must be there.
    var value: Value {
        _read { yield storage[0] }
        _modify { yield &storage[0] }
    }
}

extension Boxed: Sendable where Value: Sendable {}
extension Boxed: Equatable where Value: Equatable {}
