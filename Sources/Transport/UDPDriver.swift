import CShims
import Kademlia
import Logging
import NIOCore
import Primitives

/// One UDP socket of the host: datagrams in batches to the host's loop, and batches of datagrams back out.
///
/// KRPC goes to the client. uTP is refused (see `UTPHeader.refusal`), and nothing else is looked at.
///
/// Reading is NIO's. Writing is not: NIO closes a datagram channel when one packet has no route or a firewall refuses
/// it, and a node must outlive that. So the socket is opened here, NIO reads and closes it, and in between
/// `mainline_udp_send` writes from one buffer without an allocation or an address object per packet.
final class UDPDriver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    /// Datagrams per read call, and room for each: all KRPC in use stays below an Ethernet frame.
    static let datagramsPerRead = 64
    static let datagramBytesMax = 2_048

    /// Datagrams that the kernel did not take, of whatever reason.
    private(set) var unsent = 0
    /// Datagrams that were neither KRPC nor uTP.
    private(set) var ignored = 0

    private let home: HomeIndex
    private let descriptor: CInt
    private let loop: HostLoop
    private var isOpen = true
    private var refusals = RefusalBudget()
    private var outgoing: [UInt8] = []
    private var datagrams: [mainline_datagram] = []

    /// `descriptor` is a bound socket, which the channel that this driver is added to owns.
    init(home: HomeIndex, descriptor: CInt, loop: HostLoop) {
        self.home = home
        self.descriptor = descriptor
        self.loop = loop
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let source = Endpoint(envelope.remoteAddress) else { return }
        let packet = envelope.data.readableBytesSpan
        guard packet.byteCount > 0 else { return }
        if packet.byte(at: 0) == UInt8(ascii: "d") {
            loop.received(packet, from: source, at: home)
        } else if let header = UTPHeader(packet) {
            refuse(header, from: source)
        } else {
            ignored += 1
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.endBatch()
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
                offset: UInt32(outgoing.count), length: UInt32(bytes.count), to: destination.forSystemCalls))
        outgoing.append(contentsOf: bytes)
    }

    func flush() {
        guard !datagrams.isEmpty else { return }
        if isOpen {
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
