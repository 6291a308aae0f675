import CShims
import Client
import Logging
import NIOCore
import NIOPosix
import Primitives

/// Homes follow the interfaces that they are bound to.
extension HostLoop {
    /// How often the interfaces are looked at: one call of `getifaddrs`, some 0.1 ms.
    private static let lookInterval = TimeAmount.seconds(1)
    /// Connections that have lost their interface for longer are ended when it is back: what they wait to send again
    /// may wait as long once more.
    static let connectionOutageMax = Duration.seconds(5)

    /// When what was asked at once is asked again.
    private static let routeDelays = [TimeAmount.seconds(1), .seconds(4)]
    /// Connections of an address that are renounced when it is back; others notice by themselves.
    private static let renouncedMax = 256
    /// Addresses of which such connections are kept.
    private static let severedAddressesMax = 16
    /// Enough for two repetitions.
    private static let renounceTime = TimeAmount.seconds(6)

    func watchInterfaces() {
        guard !bindWatch.isEmpty else { return }
        hearOfChanges()
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        bindLook = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.lookInterval) { _ in
            bound.value.lookAtInterfaces()
        }
    }

    /// What the system tells of changes makes the next look come at once; where it tells nothing, it comes in time.
    private func hearOfChanges() {
        let descriptor = mainline_changes_open()
        guard descriptor >= 0 else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(InterfaceChanges(loop: bound.value))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
            .whenSuccess { bound.value.opened($0) }
    }

    func lookAtInterfaces() {
        let wereLost = bindWatch.targets.filter { bindWatch.isLost($0) }
        let since = homes.indices.map { bindWatch.lostSince($0) }
        let changes = bindWatch.looked(
            at: .ofMachine, index: { mainline_interface_index($0) }, now: LoopTimer.now)
        guard !changes.isEmpty else { return }
        if homes.indices.allSatisfy({ bindWatch.isLost($0) }) { tell(.networkLost) }
        var moved: [BindTarget] = []
        for change in changes {
            switch change {
            case .lost(let home): lose(home)
            case .returned(let home, let outage): resume(home, after: outage)
            case .reopen(let home, let place):
                guard reopen(home, at: place) else { continue }
                if let target = homes[home].target { moved.append(target) }
            }
        }
        notify(wereLost, since, moved)
        endBatch()
    }

    private func notify(_ wereLost: [BindTarget], _ since: [Instant?], _ moved: [BindTarget]) {
        for target in bindWatch.targets {
            let own = homes.indices.filter { homes[$0].target == target }
            let places = own.filter { !bindWatch.isLost($0) }.map { homes[$0].local }
            switch (wereLost.contains(target), bindWatch.isLost(target)) {
            case (false, true): report(.bind(.lost(target.name)))
            case (true, false):
                let start = own.compactMap { since[$0] }.min() ?? LoopTimer.now
                report(.bind(.returned(target.name, at: places, after: LoopTimer.now - start)))
            case (false, false) where moved.contains(target): report(.bind(.moved(target.name, to: places)))
            default: break
            }
        }
    }

    /// Nothing can leave from a home.
    ///
    /// Where the interface itself is gone, its sockets are of no use any more.
    private func lose(_ home: Int) {
        driver(of: home).isCutOff = true
        guard let device = homes[home].device, mainline_interface_index(device.name) != device.index else { return }
        sever(homes[home])
        mute(home)
    }

    /// The sockets of a home are usable again.
    private func resume(_ home: Int, after outage: Duration) {
        driver(of: home).isCutOff = false
        if outage >= Self.connectionOutageMax { peers.abort(from: homes[home].local) }
        returned(home)
    }

    /// Tells the client, and again a little later: routes are often set up after the address.
    private func returned(_ home: Int) {
        let local = homes[home].local
        tell(.homeReturned(home, at: local))
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        for delay in Self.routeDelays {
            eventLoop.scheduleTask(in: delay) {
                let loop = bound.value
                guard loop.homes.indices.contains(home), loop.homes[home].local == local, !loop.bindWatch.isLost(home)
                else { return }
                loop.tell(.homeReturned(home, at: local))
            }
        }
    }

    /// Ends the connections of a home whose other ends cannot be told, and notes them for when the address is back.
    private func sever(_ home: BoundHome) {
        let all = (severed[home.local.host] ?? []) + peers.abort(from: home.local)
        if severed.count >= Self.severedAddressesMax { severed = [:] }
        severed[home.local.host] = Array(all.suffix(Self.renouncedMax))
    }

    /// Makes the other ends of connections that are lost drop them: a peer refuses a second connection with us.
    private func renounce(from home: BoundHome) {
        guard let device = home.device, let ended = severed.removeValue(forKey: home.local.host) else { return }
        let sockets = ended.map { port, peer in
            var local = home.local
            local.port = port
            return mainline_tcp_renounce(local.forSystemCalls, device.name, peer.forSystemCalls)
        }
        eventLoop.scheduleTask(in: Self.renounceTime) {
            for descriptor in sockets where descriptor >= 0 { mainline_close(descriptor) }
        }
    }

    /// Opens the sockets of a home at another place, on the same port; false if that cannot be done yet.
    private func reopen(_ index: Int, at place: BindPlace) -> Bool {
        let old = homes[index]
        var local = place.address
        local.port = old.local.port
        // Sockets without an interface stand in the way of those with one; the old ones do not.
        unmute(local)
        let new: BoundHome
        do throws(HostError) {
            new = try BoundHome.open(
                local, on: place.device, for: old.target, callingFrom: old.guards.map(\.port), configuration)
        } catch {
            logger.debug("cannot bind yet", metadata: ["address": "\(local)", "error": "\(error)"])
            driver(of: index).isCutOff = true
            if homeSocketsAreGone(index) { hold(old) }
            return false
        }
        sever(old)
        replace(index, by: new)
        if new.local.host != old.local.host { hold(old) }
        renounce(from: new)
        bindWatch.reopened(index, as: new)
        reopenLinks(from: old, to: new)
        returned(index)
        return true
    }
}

/// Reads what the system tells about interfaces and addresses, which is looked up anyway.
private final class InterfaceChanges: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let loop: HostLoop

    init(loop: HostLoop) {
        self.loop = loop
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.lookAtInterfaces()
    }

    /// More changes than the system keeps: the looks in between go on.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loop.lookAtInterfaces()
        context.close(promise: nil)
    }
}
