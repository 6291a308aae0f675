import Primitives
import Testing

@testable import Simulator

@Suite struct EventWheelTests {
    @Test func eventsHappenInOrderOfTimeThenOfScheduling() {
        var wheel = EventWheel<Int>()
        for (payload, milliseconds) in [(1, 30), (2, 10), (3, 30), (4, 8000), (5, 10)] {
            wheel.schedule(payload, at: .origin + .milliseconds(milliseconds))
        }
        var order: [Int] = []
        while let payload = wheel.next(until: .origin + .seconds(60)) { order.append(payload) }
        #expect(order == [2, 5, 1, 3, 4])
        #expect(wheel.count == 0)
    }

    /// Many in a few milliseconds, and each schedules others, for the same millisecond too.
    @Test func crowdedMillisecondsKeepTheirOrderAndSpaceIsUsedAgain() {
        var wheel = EventWheel<Int>()
        for payload in 0..<500 { wheel.schedule(payload, at: .origin + .milliseconds(payload / 100)) }
        var order: [[Int]] = []
        var next = 500
        while let payload = wheel.next(until: .origin + .seconds(60)) {
            let millisecond = Int(wheel.now.nanoseconds / 1_000_000)
            while order.count <= millisecond { order.append([]) }
            order[millisecond].append(payload)
            guard next < 5000 else { continue }
            wheel.schedule(next, at: wheel.now + .milliseconds(next % 3))
            next += 1
        }
        #expect(order.joined().count == 5000 && Set(order.joined()).count == 5000 && wheel.count == 0)
        // Within a millisecond they are in the order in which they were scheduled, which is that of the numbers.
        for payloads in order { #expect(payloads == payloads.sorted()) }
    }

    @Test func whatIsUpcomingIsWhatHappensNext() {
        var wheel = EventWheel<Int>()
        for payload in 0..<40 { wheel.schedule(payload, at: .origin + .milliseconds(payload / 20)) }
        var shown: [Int] = []
        while let payload = wheel.next(until: .origin + .seconds(1)) {
            #expect(wheel.upcoming.isEmpty || wheel.upcoming.first == payload + 1)
            shown += wheel.upcoming
        }
        // All but the first of each row of up to 16 that lie beside each other.
        #expect(shown == (0..<40).filter { ![0, 16, 20, 36].contains($0) })
    }

    @Test func timeStopsAtTheLimitAndNeverRunsBack() {
        var wheel = EventWheel<Int>()
        wheel.schedule(1, at: .origin + .milliseconds(500))
        #expect(wheel.next(until: .origin + .milliseconds(499)) == nil)
        #expect(wheel.now == .origin + .milliseconds(499))
        // What is late happens now.
        wheel.schedule(2, at: .origin)
        #expect(wheel.next(until: .origin + .seconds(1)) == 2)
        #expect(wheel.now == .origin + .milliseconds(499))
        #expect(wheel.next(until: .origin + .seconds(1)) == 1)
    }

    @Test func aFarEventComesAtTheHorizon() {
        var wheel = EventWheel<Int>()
        let scheduled = wheel.schedule(1, at: .origin + .seconds(3600))
        #expect(scheduled == .origin + EventWheel<Int>.horizon)
        #expect(wheel.next(until: .origin + .seconds(3600)) == 1)
        #expect(wheel.now == scheduled)
    }

    @Test func fractionsOfAMillisecondAreRoundedUp() {
        var wheel = EventWheel<Int>()
        #expect(wheel.schedule(1, at: .origin + .microseconds(1500)) == .origin + .milliseconds(2))
    }
}

@Suite struct PacketSlabTests {
    @Test func packetsComeBackAsTheyWereAndSlotsAreReused() throws {
        var slab = PacketSlab()
        var buffer: [UInt8] = []
        for round in 0..<3 {
            let packets = [0, 1, 128, 129, 384, 385, 1024, 1025, 1472].map {
                [UInt8](repeating: UInt8($0 % 251 + round), count: $0)
            }
            let handles = packets.compactMap { slab.insert($0[...]) }
            #expect(handles.count == packets.count)
            for (packet, handle) in zip(packets, handles).reversed() {
                slab.remove(handle, into: &buffer)
                #expect(buffer == packet)
            }
        }
        let tooLong = slab.insert([UInt8](repeating: 0, count: 1473)[...])
        #expect(tooLong == nil)
    }
}
