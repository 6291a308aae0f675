import Primitives
import Testing

@testable import Transport

/// ST_SYN as libtorrent sends it: version 1, connection id 0x1234, sequence number 1.
let sampleSyn: [UInt8] = [
    0x41, 0x00, 0x12, 0x34, 0xAA, 0xBB, 0xCC, 0xDD, 0, 0, 0, 0, 0x00, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
]

@Suite(.timeLimit(.minutes(10))) struct UTPResetTests {
    @Test func aSynIsRefusedByAResetOfItsOwnConnectionThatAcknowledgesIt() throws {
        let parsed = UTPHeader(sampleSyn.span.bytes)
        let header = try #require(parsed)
        #expect(header == UTPHeader(kind: .syn, connectionID: 0x1234, sequenceNumber: 1, acknowledgedNumber: 0))
        let refusal = try #require(header.refusal)
        var bytes: [UInt8] = []
        refusal.append(to: &bytes)
        #expect(bytes == [0x31, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        let parsedRefusal = UTPHeader(bytes.span.bytes)
        #expect(parsedRefusal == refusal)
    }

    @Test(arguments: [UInt8(0x01), 0x11, 0x21, 0x31])
    func nothingButASynIsAnswered(firstByte: UInt8) throws {
        var packet = sampleSyn
        packet[0] = firstByte
        let parsed = UTPHeader(packet.span.bytes)
        let header = try #require(parsed)
        #expect(header.refusal == nil)
    }

    @Test(arguments: [UInt8(ascii: "d"), 0x40, 0x42, 0x51, 0xF1])
    func otherProtocolsAndVersionsAreNotTakenForUTP(firstByte: UInt8) {
        var packet = sampleSyn
        packet[0] = firstByte
        let header = UTPHeader(packet.span.bytes)
        #expect(header == nil)
    }

    @Test func aTruncatedHeaderIsNone() {
        for length in 0..<UTPHeader.byteCount {
            let packet = Array(sampleSyn[..<length])
            let header = UTPHeader(packet.span.bytes)
            #expect(header == nil)
        }
    }

    @Test func refusalsAreBoundedPerSecond() {
        var budget = RefusalBudget()
        let start = Instant(nanoseconds: 5_000_000_000)
        let granted = (0..<3_000).count { _ in budget.take(now: start) }
        #expect(granted == RefusalBudget.refusalsPerSecondMax)
        #expect(budget.withheld == 3_000 - granted)
        let later = start + .seconds(1)
        let grantedLater = budget.take(now: later)
        #expect(grantedLater)
    }
}
