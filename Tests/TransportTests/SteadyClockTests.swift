import CShims
import Glibc
import Synchronization
import Testing

/// The clock of the whole program, fed with readings of a clock that does what it likes.
@Suite struct SteadyClockTests {
    private struct Clock {
        var steady = mainline_steady()

        /// What it says when the clock says this.
        mutating func next(_ reading: Int64) -> Int64 {
            var reading = reading
            return mainline_steady_next(
                &steady, { $0?.load(as: Int64.self) ?? 0 }, &reading)
        }

        mutating func all(_ readings: [Int64]) -> [Int64] { readings.map { next($0) } }
    }

    private static let second: Int64 = 1_000_000_000

    /// What a clock says, whole seconds in and out.
    private func seconds(_ readings: [Int64]) -> [Int64] {
        var clock = Clock()
        return clock.all(readings.map { (seconds: Int64) in seconds * Self.second }).map { $0 / Self.second }
    }

    @Test func aClockThatRunsOnIsSaidAsItIs() {
        #expect(seconds([0, 1, 1, 5, 7]) == [0, 1, 1, 5, 7])
    }

    @Test func aSmallStepBackIsWaitedFor() {
        var clock = Clock()
        #expect(clock.all([500, 499, 200, 499, 500, 501]) == [500, 500, 500, 500, 500, 501])
    }

    @Test func afterALargeStepTimeGoesOnFromWhereItWas() {
        #expect(seconds([100, 40, 41, 5, 6]) == [100, 100, 101, 101, 102])
    }

    @Test func nothingBelowZeroIsSaid() {
        #expect(seconds([-3, -2, 0, -10, -9]) == [0, 1, 3, 3, 4])
    }

    @Test func noReadingOverflows() {
        let readings: [Int64] = [.min, -1, 0, .max]
        for first in readings {
            for next in readings {
                var clock = Clock()
                let said = clock.all([first, next, first, next])
                #expect(said == said.sorted() && said[0] >= 0, "\(first), \(next)")
            }
        }
    }

    /// A thread that reads the clock, and says so late, must not look like a step.
    @Test func threadsNeverSeeTimeRunBackOrAhead() async {
        let shared = Shared()
        let isSteady = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var last: Int64 = 0
                    for _ in 0..<20_000 {
                        let now = shared.next()
                        guard now >= last else { return false }
                        last = now
                    }
                    return true
                }
            }
            return await group.allSatisfy { $0 }
        }
        #expect(isSteady)
        #expect(shared.steady.pointee.offset == 0)
        let end: Int64 = 80_000 * Self.second
        #expect(shared.steady.pointee.last == end)
    }

    /// A clock by which a second passes with each reading.
    private final class Shared: Sendable {
        // Its fields are read and written atomically by the function under test.
        nonisolated(unsafe) let steady = UnsafeMutablePointer<mainline_steady>.allocate(capacity: 1)
        private let readings = Atomic<Int64>(0)

        init() { steady.initialize(to: mainline_steady()) }

        deinit { steady.deallocate() }

        func next() -> Int64 {
            mainline_steady_next(
                steady,
                { context in
                    guard let context else { return 0 }
                    let shared = Unmanaged<Shared>.fromOpaque(context).takeUnretainedValue()
                    return shared.readings.wrappingAdd(1_000_000_000, ordering: .relaxed).newValue
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    /// The function of the C library is replaced in this program too, as in all that are made of these sources.
    @Test func theProgramsReadThisClock() {
        var time = timespec()
        for clock in [CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME] {
            #expect(clock_gettime(clock, &time) == 0)
            #expect(time.tv_sec > 0 && time.tv_nsec >= 0 && time.tv_nsec < 1_000_000_000)
        }
        #expect(clock_gettime(12_345, &time) == -1)
    }
}
