import Kademlia
import Primitives
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct HostUDPTests {
    private let ping = Array("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe".utf8)

    @Test func aPingIsAnswered() async throws {
        let node = TestHost(at: .v4(127, 21, 0, 1, port: 0), seed: 1)
        let address = try await node.start()
        let probe = try UDPProbe(at: .v4(127, 21, 0, 2, port: 0))
        probe.send([(ping, address)])
        let answer = try await probe.receive()
        let reply = try #require(answer)
        #expect(reply.starts(with: Array("d".utf8)))
        #expect(String(decoding: reply, as: UTF8.self).contains("1:t2:aa"))
        await node.host.stop()
    }

    @Test func aPingIsAnsweredOverIPv6() async throws {
        let loopback = Endpoint.v6(EndpointV6(high: 0, low: 1, port: 0))
        let node = TestHost(at: loopback, seed: 2)
        let address = try await node.start()
        let probe = try UDPProbe(at: loopback)
        probe.send([(ping, address)])
        let answer = try await probe.receive()
        #expect(answer != nil)
        await node.host.stop()
    }

    @Test func aBurstOfPingsIsAnsweredInFull() async throws {
        let node = TestHost(at: .v4(127, 21, 1, 1, port: 0), seed: 3)
        let address = try await node.start()
        let probe = try UDPProbe(at: .v4(127, 21, 1, 2, port: 0))
        // Fewer than any limit per source, more than one read takes.
        let count = 8
        probe.send(Array(repeating: (ping, address), count: count))
        var replies = 0
        while replies < count, try await probe.receive() != nil { replies += 1 }
        #expect(replies == count)
        await node.host.stop()
    }

    @Test func aUTPSynIsAnsweredByAReset() async throws {
        let node = TestHost(at: .v4(127, 21, 2, 1, port: 0), seed: 4)
        let address = try await node.start()
        let probe = try UDPProbe(at: .v4(127, 21, 2, 2, port: 0))
        probe.send([(sampleSyn, address)])
        let answer = try await probe.receive()
        let reply = try #require(answer)
        let expected = UTPHeader(kind: .reset, connectionID: 0x1234, sequenceNumber: 0, acknowledgedNumber: 1)
        let refusal = UTPHeader(reply.span.bytes)
        #expect(refusal == expected)
        await node.host.stop()
    }

    /// Two hosts that answered each other's resets would never stop.
    @Test func resetsAndNoiseAreNeverAnswered() async throws {
        let node = TestHost(at: .v4(127, 21, 3, 1, port: 0), seed: 5)
        let address = try await node.start()
        let probe = try UDPProbe(at: .v4(127, 21, 3, 2, port: 0))
        var reset = sampleSyn
        reset[0] = 0x31
        probe.send([(reset, address), ([], address), ([0], address), (Array("hello".utf8), address)])
        // What is answered comes in order: the answer to the SYN is the first.
        probe.send([(sampleSyn, address)])
        let first = try await probe.receive()
        #expect(first?.count == UTPHeader.byteCount)
        let second = try await probe.receive(within: .milliseconds(50))
        #expect(second == nil)
        await node.host.stop()
    }

    /// NIO's own datagram writes would close the socket here.
    @Test func aDatagramThatTheSystemRefusesDoesNotStopTheOthers() async throws {
        let sender = try UDPProbe(at: .v4(127, 21, 4, 1, port: 0))
        let receiver = try UDPProbe(at: .v4(127, 21, 4, 2, port: 0))
        let broadcast = Endpoint.v4(255, 255, 255, 255, port: 6881)
        let noPort = Endpoint.v4(127, 21, 4, 2, port: 0)
        let packets = (0..<150).flatMap { number in
            [([UInt8(number)], broadcast), ([UInt8(number)], receiver.local), ([UInt8(number)], noPort)]
        }
        let refused = sender.send(packets)
        #expect(refused == 300)
        var received: [UInt8] = []
        while received.count < 150, let packet = try await receiver.receive() { received += packet }
        #expect(received == Array(0..<150))
        let more = try await receiver.receive(within: .milliseconds(50))
        #expect(more == nil)
    }
}
