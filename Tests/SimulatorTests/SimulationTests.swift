import Kademlia
import Primitives
import Testing

@testable import Simulator

@Suite struct SimulationTests {
    /// A thousand nodes join by real bootstraps; one announces and another finds it, two hundred times over.
    @Test func aThousandNodesFindWhatOneAnnounced() {
        var options = SimulationOptions()
        options.settling = .seconds(5)
        options.lookupInterval = .milliseconds(20)
        let report = Simulation.run(options)
        #expect(report.nodeCount == 1000)
        #expect(report.nodesBootstrapped >= 999)
        #expect(report.announces == 200 && report.announcesStored == 200)
        #expect(report.lookups == 200 && report.lookupsSucceeded == 200, "\(report.lookupsSucceeded) of 200")
        #expect(report.closestFoundShare >= 0.95)
        #expect(report.contactsPerNode.p10 >= 25)
        // Round trips are 30 to 170 ms: a handful of hops, streamed at once.
        #expect(report.firstValueSeconds.median <= 0.3 && report.firstValueSeconds.largest <= 1)
        #expect(report.finishSeconds.p99 <= 1)
        #expect(report.queriesPerLookup.p99 <= 50)
    }

    @Test func oneSeedTwiceIsOneRun() {
        var options = SimulationOptions()
        options.nodeCount = 200
        options.lookupCount = 30
        options.lossShare = 0.05
        options.settling = .seconds(10)
        let first = Simulation.run(options)
        #expect(first.lookups == 30)
        #expect(Simulation.run(options) == first)
        options.seed = 2
        #expect(Simulation.run(options).digest != first.digest)
    }

    /// A tenth of all packets lost, and a third of the nodes fallen silent at once a moment ago.
    @Test func lossAndDeathAreSurvived() {
        var options = SimulationOptions()
        options.nodeCount = 300
        options.lookupCount = 60
        options.lossShare = 0.1
        options.deadShare = 1.0 / 3
        options.settling = .seconds(20)
        let report = Simulation.run(options)
        #expect(report.announcesStored == 60)
        #expect(report.lookupsSucceeded >= 59, "\(report.lookupsSucceeded) of 60")
        #expect(report.firstValueSeconds.median <= 1.5)
    }
}

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
            let packets = [0, 1, 128, 129, 384, 385, 1024].map {
                [UInt8](repeating: UInt8($0 % 251 + round), count: $0)
            }
            let handles = packets.compactMap { slab.insert($0[...]) }
            #expect(handles.count == packets.count)
            for (packet, handle) in zip(packets, handles).reversed() {
                slab.remove(handle, into: &buffer)
                #expect(buffer == packet)
            }
        }
        let tooLong = slab.insert([UInt8](repeating: 0, count: 1025)[...])
        #expect(tooLong == nil)
    }
}

@Suite struct LatencyModelTests {
    @Test func quantilesAreMet() {
        let model = LatencyModel.internet
        var generator = SeededGenerator(number: 1)
        let samples = (0..<20_000).map { _ in (model.latency(hash: generator.next()) * 2).inSeconds }.sorted()
        #expect(abs(samples[10_000] - 0.120) < 0.01)
        #expect(abs(samples[18_000] - 0.400) < 0.03)
        #expect(model.latency(hash: 0) == .milliseconds(6))
        #expect(model.latency(hash: .max) <= .milliseconds(500))
    }
}
