import CShims
import Logging
import NIOCore
import NIOPosix
import PeerProtocol
package import Primitives

/// A network interface on which neighbours are looked for (BEP 14).
package struct LocalLink: Hashable, Sendable {
    package let interface: String
    /// Ours there: announces leave from it, in IPv4.
    package let address: Endpoint

    package init(interface: String, address: Endpoint) {
        self.interface = interface
        self.address = address
    }
}

/// The socket of one link in the multicast group of its family.
///
/// It hears the group and nothing else, and only what comes by its interface.
final class LocalLinkDriver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    let link: LocalLink
    private let loop: HostLoop
    private var context: ChannelHandlerContext?

    init(_ link: LocalLink, loop: HostLoop) {
        self.link = link
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let source = Endpoint(envelope.remoteAddress) else { return }
        loop.receivedLocal(envelope.data.readableBytesSpan, from: source)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.endBatch()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loop.logger.debug("local discovery failed", metadata: ["link": "\(link.interface)", "error": "\(error)"])
    }

    func close() {
        context?.close(promise: nil)
    }

    func send(_ announce: LocalAnnounce) {
        let family = link.address.family
        guard let context, let group = try? LocalAnnounce.group(family).socketAddress else { return }
        let packet = ByteBuffer(bytes: announce.encoded(for: family))
        context.writeAndFlush(wrapOutboundOut(AddressedEnvelope(remoteAddress: group, data: packet)), promise: nil)
    }
}

extension HostLoop {
    /// The interface of a home is another one, or has another address: neighbours are looked for there.
    func reopenLinks(from old: BoundHome, to new: BoundHome) {
        guard hasLinks, let before = old.device, let after = new.device else { return }
        removeLinks(of: before.name, old.local.family)
        openLinks([LocalLink(interface: after.name, address: new.local.host)])
    }

    /// Joins the groups on all links; one where that fails is left out, for discovery is a help and no need.
    func openLinks(_ links: [LocalLink]) {
        for link in links {
            let group = LocalAnnounce.group(link.address.family)
            let descriptor = mainline_multicast_open(
                group.forSystemCalls, link.address.forSystemCalls, link.interface, !configuration.boundTo.isEmpty)
            guard descriptor >= 0 else {
                logger.debug("no local discovery", metadata: ["link": "\(link.interface)", "errno": "\(-descriptor)"])
                continue
            }
            let driver = LocalLinkDriver(link, loop: self)
            add(driver)
            let bound = NIOLoopBound((self, driver), eventLoop: eventLoop)
            DatagramBootstrap(group: eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(bound.value.1)
                    }
                }
                .withBoundSocket(descriptor)
                .whenSuccess { bound.value.0.opened($0) }
        }
    }
}
