import Client
import Digest
import KRPC
import Kademlia
import Primitives

/// What happens to packets and timers.
extension VirtualNetwork {
    /// Looks at the memory of a host to which something will happen soon.
    ///
    /// In a large network each event finds its host outside of all caches. Looked at one after the other, several hosts
    /// are fetched at the same time; the sum only makes sure that they are.
    mutating func foresee(_ occurrence: Occurrence) {
        let host: Int
        switch occurrence {
        case .delivery(let handle, _, _, let target, _):
            host = Int(target)
            foreseen &+= slab.firstByte(of: handle)
        case .timer(let target): host = Int(target)
        case .connection: return
        }
        if hosts[host].kind == .node { foreseen &+= nodes[Int(hosts[host].slot)].touch() }
    }

    mutating func deliver(_ handle: PacketSlab.Handle, from source: EndpointV4, to host: HostIndex, port: UInt16) {
        // Out of `self` for the while, since a span of a field shuts off all of it.
        var packet: [UInt8] = []
        swap(&packet, &self.packet)
        slab.remove(handle, into: &packet)
        deliver(packet, from: source, to: host, port: port)
        swap(&packet, &self.packet)
    }

    private mutating func deliver(_ packet: [UInt8], from source: EndpointV4, to host: HostIndex, port: UInt16) {
        let now = now
        let target = hosts[host]
        guard target.kind != .gone, !target.isCutOff else {
            traffic.datagramsLost += 1
            return
        }
        let origin = Endpoint.v4(source)
        if target.kind == .adversary {
            receive(packet, from: origin, byAdversary: host, port: port)
            return
        }
        guard flows.admits(from: source, to: port, of: host, behind: target.nat, now: now) else {
            traffic.datagramsFiltered += 1
            return
        }
        if target.isWatched { log.append(packet, of: host, isSent: false, other: origin, at: now) }
        if target.kind == .client {
            return tell(host) { $0.receivedDatagram(packet.span.bytes, from: origin, at: 0, now: $1, into: &$2) }
        }
        if !target.profile.isEmpty {
            switch target.profile.judge(packet.span.bytes) {
            case .passed: break
            case .dropped: return
            case .refused(let transaction):
                refuse(packet, transaction, from: origin, by: host)
                return
            }
        }
        nodes[Int(target.slot)].received(packet.span.bytes, from: origin, at: 0, now: now, into: &outbox)
        settle(host)
    }

    private mutating func receive(
        _ packet: [UInt8], from origin: Endpoint, byAdversary host: HostIndex, port: UInt16
    ) {
        let slot = Int(hosts[host].slot)
        let local = Endpoint.v4(EndpointV4(address: hosts[host].address, port: port))
        guard let home = adversaries[slot].homes.firstIndex(of: local) else {
            traffic.datagramsLost += 1
            return
        }
        if hosts[host].isWatched { log.append(packet, of: host, isSent: false, other: origin, at: now) }
        adversaries[slot].received(packet.span.bytes, from: origin, at: home, now: now, into: &outbox)
        settle(host)
    }

    /// Answers in place of a node whose profile does not know the verb.
    private mutating func refuse(
        _ packet: [UInt8], _ transaction: Range<Int>, from origin: Endpoint, by host: HostIndex
    ) {
        let encoder = MessageEncoder(id: nodes[Int(hosts[host].slot)].homes[0].id)
        outbox.append(to: origin) { bytes in
            encoder.error(
                .methodUnknown, "method unknown", to: transaction, of: packet.span.bytes, observed: origin, into: &bytes
            )
        }
        settle(host)
    }

    mutating func fire(_ host: HostIndex) {
        // A timer that was armed before an earlier one is passed over: the host has armed another since.
        let now = now
        guard armedFor[host] == now else { return }
        armedFor[host] = .distantFuture
        let slot = Int(hosts[host].slot)
        switch hosts[host].kind {
        case .node: nodes[slot].timedOut(now: now, into: &outbox)
        case .adversary: adversaries[slot].timedOut(now: now, into: &outbox)
        case .client: return tell(host) { $0.timedOut(now: $1, into: &$2) }
        case .gone: return
        }
        settle(host)
    }

    /// Drains what an occupant wants done, and arms its timer.
    mutating func settle(_ host: HostIndex) {
        for datagram in outbox.datagrams { carry(datagram, from: host) }
        for event in outbox.events {
            if case .identityChanged(0, let id) = event, hosts[host].kind == .node { rename(host, to: id) }
            digest.absorb(event, at: now, of: host)
            events.append((host, event))
        }
        outbox.clear()
        arm(host)
    }

    private mutating func rename(_ host: HostIndex, to id: NodeID) {
        ids.remove(host, from: hosts[host].idBin)
        hosts[host].idBin = ids.insert(id, of: host)
    }

    mutating func arm(_ host: HostIndex) {
        let slot = Int(hosts[host].slot)
        let wanted: Instant?
        switch hosts[host].kind {
        case .node: wanted = nodes[slot].nextDeadline
        case .adversary: wanted = adversaries[slot].nextDeadline
        case .client: wanted = clients[slot].client.nextDeadline
        case .gone: wanted = nil
        }
        guard let wanted, wanted < armedFor[host] else { return }
        armedFor[host] = wheel.schedule(.timer(UInt32(host)), at: wanted)
    }

    private mutating func carry(_ datagram: Outbox.Datagram, from host: HostIndex) {
        guard !hosts[host].profile.contains(.givesNoTokens) else {
            var bytes = Array(outbox.bytes[datagram.range])
            hosts[host].profile.strip(&bytes)
            carry(bytes[...], datagram, from: host)
            return
        }
        carry(outbox.bytes[datagram.range], datagram, from: host)
    }

    private mutating func carry(_ bytes: ArraySlice<UInt8>, _ datagram: Outbox.Datagram, from host: HostIndex) {
        traffic.datagramsSent += 1
        traffic.bytesSent += bytes.count
        digest.absorb(UInt64(bitPattern: now.nanoseconds) ^ UInt64(host) << 40)
        digest.absorb(bytes.span.bytes)
        if hosts[host].isWatched { log.append(bytes, of: host, isSent: true, other: datagram.to, at: now) }
        guard case .v4(let remote) = datagram.to, !hosts[host].isCutOff,
            let source = source(of: datagram, to: remote, from: host),
            let target = self.host(at: datagram.to), isAlive(target), !faults.separates(host, target)
        else {
            traffic.datagramsLost += 1
            return
        }
        send(bytes, from: source, by: host, to: target, port: remote.port)
        if faults.isDoubled(using: &generator) {
            traffic.datagramsDoubled += 1
            send(bytes, from: source, by: host, to: target, port: remote.port)
        }
    }

    /// As whom the other side sees the sender; nil when an adversary has no such home.
    private mutating func source(
        of datagram: Outbox.Datagram, to remote: EndpointV4, from host: HostIndex
    ) -> EndpointV4? {
        guard hosts[host].kind == .adversary else {
            let port = flows.sent(by: host, behind: hosts[host].nat, to: remote, now: now)
            return EndpointV4(address: hosts[host].address, port: port)
        }
        let homes = adversaries[Int(hosts[host].slot)].homes
        guard homes.indices.contains(datagram.home), case .v4(let claimed) = homes[datagram.home] else { return nil }
        return claimed
    }

    private mutating func send(
        _ bytes: ArraySlice<UInt8>, from source: EndpointV4, by host: HostIndex, to target: HostIndex, port: UInt16
    ) {
        guard !faults.isLost(using: &generator), let handle = slab.insert(bytes) else {
            traffic.datagramsLost += 1
            return
        }
        let usual = latency.latency(from: host, to: target, hash: hash(host, target))
        let arrival = now + usual + faults.extraDelay(using: &generator)
        wheel.schedule(
            .delivery(handle, address: source.address, port: source.port, to: UInt32(target), at: port), at: arrival)
    }

    @inline(__always)
    func hash(_ first: HostIndex, _ second: HostIndex) -> UInt64 {
        let pair: [1 of UInt64] = [UInt64(min(first, second)) << 32 | UInt64(max(first, second))]
        return pairHash.hash(pair.span.bytes)
    }
}
