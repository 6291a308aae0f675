import Glibc
import Primitives

/// Measures what single messages, table operations and answers cost; one JSON line each on stdout.
///
/// `micro.py` beside this folder builds it, counts allocations under it, and says what the fields mean.
@main
enum Microbenchmark {
    static func main() {
        let prefix = CommandLine.arguments.dropFirst().first ?? ""
        var meter = Meter(prefix: prefix)
        measureMessages(with: &meter)
        measureTables(with: &meter)
        measureNode(with: &meter)
    }
}

/// Times short operations, many at a time.
struct Meter {
    private static let sampleCount = 15
    private static let shortestSample = Duration.milliseconds(20)

    /// Only what begins with this is measured.
    let prefix: String
    private let allocationCount = AllocationCount()

    init(prefix: String) { self.prefix = prefix }

    /// Prints the median, lowest and highest time of one operation, and how many allocations it makes.
    ///
    /// - Parameter body: carries out so many operations.
    mutating func measure(_ name: String, _ body: (Int) -> Void) {
        guard name.hasPrefix(prefix) else { return }
        var operations = 64
        while Self.time({ body(operations) }) < Self.shortestSample { operations *= 2 }
        let samples = (0..<Self.sampleCount).map { _ in
            Self.time { body(operations) }.nanosecondsAsDouble / Double(operations)
        }.sorted()
        let before = allocationCount.value
        body(operations)
        let allocations = allocationCount.value.flatMap { after in
            before.map { String(Double(after - $0) / Double(operations)) }
        }
        print(
            """
            {"name":"\(name)","nanoseconds":\(samples[Self.sampleCount / 2]),"lowest":\(samples[0]),\
            "highest":\(samples[Self.sampleCount - 1]),"allocations":\(allocations ?? "null"),\
            "operations":\(operations * Self.sampleCount)}
            """)
    }

    private static func time(_ body: () -> Void) -> Duration {
        let clock = ContinuousClock()
        return clock.measure(body)
    }
}

/// How often this process has asked for memory; nil unless `allocations.c` is loaded before the C library.
struct AllocationCount {
    private let function: (@convention(c) () -> UInt64)?

    init() {
        let symbol = dlsym(nil, "mainline_allocation_count")
        function = symbol.map { unsafeBitCast($0, to: (@convention(c) () -> UInt64).self) }
    }

    var value: UInt64? { function.map { $0() } }
}

/// Keeps the optimizer from leaving out what nobody looks at.
@inline(never)
func keep<Value>(_ value: Value) {
    withExtendedLifetime(value) {}
}

extension Duration {
    var nanosecondsAsDouble: Double { Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9 }
}
