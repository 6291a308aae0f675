import CShims
import Kademlia
import Logging
import NIOCore
import Primitives

/// One UDP socket of the host: datagrams in batches to the host's loop, and batches of datagrams back out.
///
/// KRPC goes to the client, and so do replies of trackers. uTP is refused (see `UTPHeader.refusal`).
///
/// NIO says when there is something to read, reads the first datagram, and closes the socket. All else is done here,
/// with one buffer each way, without an allocation or an address object per datagram: the rest of what has come is
/// read by `mainline_udp_receive`, and `mainline_udp_send` writes. NIO would also close the channel when one packet has
/// no route or a firewall refuses it, and a node must outlive that.
final class UDPDriver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    /// Room for each datagram: all KRPC in use stays below an Ethernet frame.
    static let datagramBytesMax = 2_048
    /// Datagrams per read call, answered before the next one.
    private static let datagramsPerRead = 64
    /// Read calls in a row, before others on the loop have their turn.
    private static let readsPerTurn = 16

    /// Datagrams that the kernel did not take, of whatever reason.
    private(set) var unsent = 0
    /// The interface of the socket is lost: nothing is passed to the system, and all is counted as unsent.
    var isCutOff = false
    /// Datagrams that nobody had a use for.
    private(set) var ignored = 0

    private let home: HomeIndex
    private let descriptor: CInt
    private let loop: HostLoop
    private var isOpen = true
    private var refusals = RefusalBudget()
    /// Its pages cost memory from when a batch first reaches them.
    private let incoming = UnsafeMutableRawBufferPointer.allocate(
        byteCount: datagramsPerRead * datagramBytesMax, alignment: 16)
    private var arrivals = Array(repeating: mainline_datagram(), count: datagramsPerRead)
    private var outgoing: [UInt8] = []
    private var datagrams: [mainline_datagram] = []

    /// `descriptor` is a bound socket, which the channel that this driver is added to owns.
    init(home: HomeIndex, descriptor: CInt, loop: HostLoop) {
        self.home = home
        self.descriptor = descriptor
        self.loop = loop
    }

    deinit {
        incoming.deallocate()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let source = Endpoint(envelope.remoteAddress) else { return }
        received(envelope.data.readableBytesSpan, from: source)
    }

    private func received(_ packet: RawSpan, from source: Endpoint) {
        guard packet.byteCount > 0 else { return }
        if packet.byte(at: 0) == UInt8(ascii: "d") {
            loop.received(packet, from: source, at: home)
        } else if let header = UTPHeader(packet) {
            refuse(header, from: source)
        } else if !loop.receivedTracker(packet, from: source, at: home) {
            ignored += 1
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        var reads = 0
        var isMoreThere: Bool
        repeat {
            isMoreThere = isOpen && readBatch() == Self.datagramsPerRead
            loop.endBatch()
            reads += 1
        } while isMoreThere && reads < Self.readsPerTurn
    }

    /// Handles the datagrams of one read call, and says how many they were.
    private func readBatch() -> Int {
        let count = mainline_udp_receive(
            descriptor, incoming.baseAddress, Self.datagramBytesMax, &arrivals, Self.datagramsPerRead)
        for arrival in arrivals.prefix(count) {
            let range = Int(arrival.offset)..<Int(arrival.offset) + Int(arrival.length)
            received(incoming.bytes.extracting(range), from: Endpoint(arrival.peer))
        }
        return count
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOpen = false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loop.logger.debug("UDP read failed", metadata: ["home": "\(home)", "error": "\(error)"])
    }

    /// Adds a datagram to the batch that the next `flush` sends.
    func send(_ bytes: ArraySlice<UInt8>, to destination: Endpoint) {
        datagrams.append(
            mainline_datagram(
                offset: UInt32(outgoing.count), length: UInt32(bytes.count), peer: destination.forSystemCalls))
        outgoing.append(contentsOf: bytes)
    }

    func flush() {
        guard !datagrams.isEmpty else { return }
        if isCutOff {
            unsent += datagrams.count
        } else if isOpen {
            var lastError: CInt = 0
            let refused = mainline_udp_send(descriptor, outgoing, datagrams, datagrams.count, &lastError)
            if refused > 0 {
                unsent += refused
                loop.logger.debug(
                    "datagrams not sent", metadata: ["count": "\(refused)", "errno": "\(lastError)"])
            }
        }
        outgoing.removeAll(keepingCapacity: true)
        datagrams.removeAll(keepingCapacity: true)
    }

    private func refuse(_ header: UTPHeader, from source: Endpoint) {
        guard let refusal = header.refusal, refusals.take(now: loop.now) else { return }
        var bytes: [UInt8] = []
        refusal.append(to: &bytes)
        send(bytes[...], to: source)
    }
}
