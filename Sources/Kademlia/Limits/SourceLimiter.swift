import Primitives

/// What each source may cost us and others: queries by time, and bytes of answers by bytes of queries.
///
/// A source that has proved its address has no limit of bytes, since nobody else can have asked in its name.
struct SourceLimiter: Sendable {
    struct Rules: Sendable {
        /// Nil: not limited.
        var queriesPerSecond: Int?
        var queryBurst = 0
        /// Nil: not limited.
        var bytesPerByte: Int?
        var byteBurst = 0
        var memory = Duration.seconds(300)
        var slotLimit = 1024
    }

    private struct Slot: AssociativeSlot {
        var key: UInt64 = 0
        /// Milliseconds of the caller's clock, wrapping.
        var stamp: UInt32 = 0
        /// Thousandths of a query left.
        var queries: Int32 = 0
        /// Bytes of answers left.
        var bytes: Int32 = 0
        /// The port that proved to be there, and until when: minutes of the caller's clock, wrapping.
        var provenPort: UInt16 = 0
        var provenUntil: UInt16 = 0
    }

    /// A day, in milliseconds.
    private static let longestProof = 86_400_000

    private let scale: Scale
    private var table: AssociativeTable<Slot>

    init(_ rules: Rules) {
        scale = Scale(rules)
        table = AssociativeTable(slotLimit: rules.slotLimit)
    }

    var trackedCount: Int { table.usedCount }
    /// Sources that were forgotten while they still had something to forget.
    var forgottenCount: Int { table.forgottenCount }

    /// Takes one query from the source's bucket; nil when it is empty.
    ///
    /// The position is good until the next source enters.
    mutating func entered(_ key: UInt64, byteCount: Int, now: Instant) -> Int? {
        var (position, slot) = refreshed(key, now: now)
        let isAdmitted = !scale.limitsQueries || slot.queries >= 1000
        if isAdmitted {
            if scale.limitsQueries { slot.queries -= 1000 }
            if scale.limitsBytes {
                let level = Int(slot.bytes) + byteCount * scale.bytesPerByte
                slot.bytes = Int32(min(scale.byteCapacity, level))
            }
        }
        table[position] = slot
        return isAdmitted ? position : nil
    }

    /// Bytes of answers that the source may have now.
    func room(at position: Int) -> Int { scale.limitsBytes ? Int(table[position].bytes) : .max }

    mutating func spent(_ byteCount: Int, at position: Int) {
        guard scale.limitsBytes else { return }
        table[position].bytes -= Int32(clamping: byteCount)
    }

    func isProven(port: UInt16, at position: Int, now: Instant) -> Bool {
        let slot = table[position]
        return slot.provenPort == port && port != 0 && Self.isAhead(slot.provenUntil, of: Self.minute(now))
    }

    /// The source answered from this port, or used a token from it.
    mutating func proved(_ key: UInt64, port: UInt16, until: Instant, now: Instant) {
        let (position, slot) = refreshed(key, now: now)
        table[position] = slot
        proved(port: port, until: until, at: position)
    }

    mutating func proved(port: UInt16, until: Instant, at position: Int) {
        table[position].provenPort = port
        table[position].provenUntil = Self.minute(until)
    }

    /// The source's slot as of now, a fresh one if it had none, and where it belongs.
    private mutating func refreshed(_ key: UInt64, now: Instant) -> (position: Int, slot: Slot) {
        let milliseconds = Self.milliseconds(now)
        let scale = scale
        let position = table.makePosition(of: key) { slot in
            scale.worth(of: slot, at: milliseconds, minute: Self.minute(now))
        }
        var slot = table[position]
        if slot.key == key {
            slot.queries = Int32(scale.queries(of: slot, at: milliseconds))
            let silence = Int(milliseconds &- slot.stamp)
            if silence >= scale.memory { slot.bytes = Int32(scale.byteCapacity) }
            // Before the count of minutes can wrap.
            if silence >= Self.longestProof { slot.provenPort = 0 }
        } else {
            slot = Slot(key: key, queries: Int32(scale.queryCapacity), bytes: Int32(scale.byteCapacity))
        }
        slot.stamp = milliseconds
        return (position, slot)
    }

    private static func milliseconds(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    }

    private static func minute(_ instant: Instant) -> UInt16 {
        UInt16(truncatingIfNeeded: instant.nanoseconds / 60_000_000_000)
    }

    private static func isAhead(_ minute: UInt16, of now: UInt16) -> Bool {
        Int16(bitPattern: minute &- now) > 0
    }

    /// The rules in the units of slots.
    private struct Scale: Sendable {
        /// Queries per second, which is thousandths per millisecond.
        let rate: Int
        let queryCapacity: Int
        let limitsQueries: Bool
        let bytesPerByte: Int
        let byteCapacity: Int
        let limitsBytes: Bool
        /// Milliseconds.
        let memory: Int

        init(_ rules: Rules) {
            limitsQueries = rules.queriesPerSecond != nil
            rate = min(max(rules.queriesPerSecond ?? 0, 0), 1 << 20)
            queryCapacity = min(max(rules.queryBurst, 0), 1 << 20) * 1000
            limitsBytes = rules.bytesPerByte != nil
            bytesPerByte = min(max(rules.bytesPerByte ?? 0, 0), 1 << 10)
            byteCapacity = min(max(rules.byteBurst, 0), 1 << 30)
            memory = Int(clamping: rules.memory.wholeNanoseconds / 1_000_000)
        }

        func queries(of slot: Slot, at milliseconds: UInt32) -> Int {
            min(queryCapacity, Int(slot.queries) + Int(milliseconds &- slot.stamp) * rate)
        }

        /// How far from fresh a source is, in thousandths of each bucket; a proof counts as much as a bucket.
        func worth(of slot: Slot, at milliseconds: UInt32, minute: UInt16) -> Int {
            var worth = 0
            if limitsQueries, queryCapacity > 0 {
                worth += (queryCapacity - queries(of: slot, at: milliseconds)) * 1000 / queryCapacity
            }
            if limitsBytes, byteCapacity > 0, Int(milliseconds &- slot.stamp) < memory {
                worth += (byteCapacity - Int(slot.bytes)) * 1000 / byteCapacity
            }
            if slot.provenPort != 0, isAhead(slot.provenUntil, of: minute) { worth += 1000 }
            return worth
        }
    }
}
