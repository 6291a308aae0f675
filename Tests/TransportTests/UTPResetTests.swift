import Primitives
import Testing

@testable import Transport

@Suite struct UTPResetTests {
    /// ST_SYN as libtorrent sends it: version 1, connection id 0x1234, sequence number 1.
    static let syn: [UInt8] = [
        0x41, 0x00, 0x12, 0x34, 0xAA, 0xBB, 0xCC, 0xDD, 0, 0, 0, 0, 0x00, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
    ]

    @Test func aSynIsRefusedByAResetOfItsOwnConnectionThatAcknowledgesIt() throws {
        let header = try #require(UTPHeader(Self.syn.span.bytes))
        #expect(header == UTPHeader(kind: .syn, connectionID: 0x1234, sequenceNumber: 1, acknowledgedNumber: 0))
        let refusal = try #require(header.refusal)
        var bytes: [UInt8] = []
        refusal.append(to: &bytes)
        #expect(bytes == [0x31, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(UTPHeader(bytes.span.bytes) == refusal)
    }

    @Test(arguments: [UInt8(0x01), 0x11, 0x21, 0x31])
    func nothingButASynIsAnswered(firstByte: UInt8) throws {
        var packet = Self.syn
        packet[0] = firstByte
        let header = try #require(UTPHeader(packet.span.bytes))
        #expect(header.refusal == nil)
    }

    @Test(arguments: [UInt8(ascii: "d"), 0x40, 0x42, 0x51, 0xF1])
    func otherProtocolsAndVersionsAreNotTakenForUTP(firstByte: UInt8) {
        var packet = Self.syn
        packet[0] = firstByte
        #expect(UTPHeader(packet.span.bytes) == nil)
    }

    @Test func aTruncatedHeaderIsNone() {
        for length in 0..<UTPHeader.byteCount {
            let packet = Array(Self.syn[..<length])
            #expect(UTPHeader(packet.span.bytes) == nil)
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
