/// A value in 8 bytes that copies share until one of them changes it.
///
/// For settings, which a million simulated nodes have in common, and for what is large and seldom needed whole.
@propertyWrapper
package struct Shared<Value: Sendable>: Sendable {
    private var storage: [Value]

    package init(wrappedValue: Value) {
        storage = [wrappedValue]
    }

    package var wrappedValue: Value {
        _read { yield storage[0] }
        _modify { yield &storage[0] }
    }

    /// For another owner to share.
    package var projectedValue: Shared { self }
}
