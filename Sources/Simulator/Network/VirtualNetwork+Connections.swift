import Client
import DequeModule
import Primitives
import Swarm

/// What happens to calls and connections.
extension VirtualNetwork {
    /// Something about a connection is due.
    enum ConnectionFact: BitwiseCopyable, Sendable {
        /// The call is there.
        case called
        /// The caller learns that it is connected, or that it is not.
        case answered, refused
        /// This side may send more.
        case pumps(Connection.Side)
        /// Bytes are there at this side.
        case arrived(Connection.Side)
        /// This side learns that the other has closed.
        case closed(Connection.Side)
    }

    /// After so many lost packets a call counts as unanswered: what is waited for would be beyond all time-outs.
    private static let callAttemptsMax = 4

    mutating func call(_ endpoint: Endpoint, from host: HostIndex, _ handle: PeerHandle) {
        traffic.calls += 1
        if hosts[host].isWatched { calls.append(host) }
        // Nobody says anything where nobody is.
        guard case .v4(let v4) = endpoint, let target = self.host(at: endpoint), target != host,
            !hosts[target].isCutOff, !hosts[host].isCutOff, !faults.separates(host, target),
            isAlive(target) || hosts[target].profile.contains(.refusesCalls), let wait = timeLostWithCall()
        else { return }
        let delay = latency.latency(from: host, to: target, hash: hash(host, target))
        let slot = hosts[target].kind == .client ? Int(hosts[target].slot) : nil
        let rates = (clients[Int(hosts[host].slot)].bytesPerSecond, slot.map { clients[$0].bytesPerSecond } ?? 1)
        let pace = { [now] in SendPace(roundTrip: delay * 2, bytesPerSecond: $0, now: now) }
        let number = connections.insert(
            Connection(
                from: Connection.End(host: host, handle: handle, pace: pace(rates.0)),
                to: Connection.End(host: target, pace: pace(rates.1)), delay: delay))
        let isListening = slot != nil && v4.port == Self.port
        let fact = isListening ? ConnectionFact.called : .refused
        schedule(fact, number, at: now + wait + (isListening ? delay : delay * 2))
    }

    /// What is waited for when packets of a call are lost: a second, then twice as long each time (RFC 6298).
    private mutating func timeLostWithCall() -> Duration? {
        for attempt in 0..<Self.callAttemptsMax where !faults.isLost(using: &generator) {
            return .seconds((1 << attempt) - 1)
        }
        return nil
    }

    private mutating func schedule(_ fact: ConnectionFact, _ number: ConnectionTable.Number, at instant: Instant) {
        wheel.schedule(.connection(number, fact), at: instant)
    }

    mutating func happen(_ fact: ConnectionFact, to number: ConnectionTable.Number) {
        guard let connection = connections[number] else { return }
        switch fact {
        case .called: called(number)
        case .answered:
            guard let handle = connection[.caller].handle else { return }
            tell(connection[.caller].host) { $0.connected(handle, now: $1, into: &$2) }
        case .refused:
            let handle = connections.takeHandle(of: number, .caller)
            connections.remove(number)
            guard let handle else { return }
            tell(connection[.caller].host) { $0.connectFailed(handle, now: $1, into: &$2) }
        case .pumps(let side): pump(number, side)
        case .arrived(let side):
            guard let chunk = connections[number]?[side.other].underWay.popFirst() else { return }
            connections[number]?[side].unread += chunk
            read(number, side)
        case .closed(let side):
            let handle = connections.takeHandle(of: number, side)
            connections.remove(number)
            guard let handle else { return }
            tell(connection[side].host) { $0.disconnected(handle, now: $1, into: &$2) }
        }
    }

    private mutating func called(_ number: ConnectionTable.Number) {
        guard let connection = connections[number] else { return }
        let (caller, host) = (connection[.caller].host, connection[.called].host)
        // An ephemeral port, as systems have them.
        let port = UInt16(truncatingIfNeeded: 32_768 + number % 28_000)
        let from = Endpoint.v4(EndpointV4(address: hosts[caller].address, port: port))
        var handle: PeerHandle?
        tell(host) { client, now, outbox in handle = client.accepted(from: from, now: now, into: &outbox) }
        if let handle { connections.setHandle(handle, of: number, .called) }
        schedule(handle == nil ? .refused : .answered, number, at: now + connection.delay)
    }

    /// A client has closed its end, or gone.
    mutating func hangUp(_ number: ConnectionTable.Number, _ side: Connection.Side) {
        guard connections.takeHandle(of: number, side) != nil, let connection = connections[number] else { return }
        // Who has not got the call, or has closed as well, need not hear of it.
        guard connection[side.other].handle != nil else { return connections.remove(number) }
        connections[number]?[side].unsent = []
        let arrival = max(now + connection.delay, connection[side].lastArrival)
        schedule(.closed(side.other), number, at: arrival)
    }

    // MARK: Bytes

    mutating func write(_ bytes: [UInt8], to handle: PeerHandle, of host: HostIndex) {
        guard let (number, side) = connections.find(handle, of: host), let end = connections[number]?[side] else {
            return
        }
        var bytes = bytes
        if end.isEncrypted {
            var elements = bytes.mutableSpan
            var span = elements.mutableBytes
            clients[Int(hosts[host].slot)].client.encrypt(&span, to: handle)
        }
        digest.absorb(UInt64(bitPattern: now.nanoseconds) ^ UInt64(host) << 40)
        digest.absorb(bytes.span.bytes)
        connections[number]?[side].unsent.append(contentsOf: bytes)
        if !end.isPumping { pump(number, side) }
    }

    /// Lets one chunk leave, and comes again when the next one may.
    private mutating func pump(_ number: ConnectionTable.Number, _ side: Connection.Side) {
        let now = now
        guard var end = connections[number]?[side], let delay = connections[number]?.delay else { return }
        end.isPumping = !end.unsent.isEmpty
        let count = min(end.unsent.count, end.isPumping ? end.pace.allowance(now: now) : 0)
        if count > 0 {
            end.underWay.append(Array(end.unsent.prefix(count)))
            end.unsent.removeFirst(count)
            let busy = end.pace.sent(count)
            var arrival = now + busy + delay
            let lossShare = SendPace.lossShare(of: count, segmentLossShare: faults.lossShare)
            if FaultRules.happens(lossShare, using: &generator) {
                // Sent again when those behind it have shown that it is missing.
                arrival = arrival + end.pace.roundTrip
                end.pace.lost()
            }
            end.lastArrival = max(arrival, end.lastArrival)
            schedule(.arrived(side.other), number, at: end.lastArrival)
            schedule(.pumps(side), number, at: now + busy)
        } else if end.isPumping {
            schedule(.pumps(side), number, at: end.pace.roundEnd)
        }
        connections[number]?[side] = end
    }

    /// Shows the client all that has arrived.
    private mutating func read(_ number: ConnectionTable.Number, _ side: Connection.Side) {
        while let end = connections[number]?[side], let handle = end.handle, !end.unread.isEmpty,
            hosts[end.host].kind == .client
        {
            let slot = Int(hosts[end.host].slot)
            let isOpening = clients[slot].client.isOpening(handle)
            var bytes = end.unread
            if end.isEncrypted, !isOpening { decrypt(&bytes, from: end.decrypted, handle, slot) }
            var consumed = 0
            tell(end.host) { client, now, outbox in
                consumed =
                    isOpening
                    ? client.openingReceived(bytes.span.bytes, from: handle, now: now, into: &outbox)
                    : client.received(bytes.span.bytes, from: handle, now: now, into: &outbox)
            }
            bytes.removeFirst(consumed)
            connections[number]?[side].decrypted = end.isEncrypted && !isOpening ? bytes.count : 0
            connections[number]?[side].unread = bytes
            let isThrough = isOpening && !clients[slot].client.isOpening(handle)
            guard consumed > 0 || isThrough else { return }
        }
    }

    private mutating func decrypt(_ bytes: inout [UInt8], from start: Int, _ handle: PeerHandle, _ slot: Int) {
        var fresh = Array(bytes[start...])
        var elements = fresh.mutableSpan
        var span = elements.mutableBytes
        clients[slot].client.decrypt(&span, from: handle)
        bytes.replaceSubrange(start..., with: fresh)
    }
}
