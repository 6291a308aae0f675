import Glibc

/// How many mutated inputs a test tries.
package enum MutationCount {
    /// The value of `MAINLINE_MUTATIONS`, if it is set to a number.
    package static var fromEnvironment: Int? {
        getenv("MAINLINE_MUTATIONS").flatMap { Int(String(cString: $0)) }
    }
}
