import Primitives

/// The mappings of all translators, in one open-addressed table: 16 bytes a flow and no storage of its own for a host.
///
/// Only packets that leave renew a mapping (RFC 4787 allows it so). A host that talks to two ports of one address has
/// one flow there, the later one.
struct MappingTable: Sendable {
    private struct Flow {
        /// Host and remote address; 0 is free.
        var key: UInt64 = 0
        /// Milliseconds.
        var lastSent: UInt32 = 0
        var mappedPort: UInt16 = 0
        var remotePort: UInt16 = 0
    }

    private static let initialCapacity = 1024
    private static let longestMappingMilliseconds: UInt32 = 255_000

    private var flows: [Flow] = []
    private var used = 0
    private let localPort: UInt16

    init(localPort: UInt16) {
        self.localPort = localPort
    }

    var byteCount: Int { flows.count * MemoryLayout<Flow>.stride }

    /// The host sends; returns the port that the other side sees.
    mutating func sent(by host: HostIndex, behind nat: NAT, to remote: EndpointV4, now: Instant) -> UInt16 {
        guard nat.kind != .open else { return localPort }
        if (used + 1) * 3 > flows.count * 2 { rebuild(now: now) }
        let key = Self.key(host, nat.kind == .fullCone ? 0 : remote.address)
        let position = position(of: key)
        let flow = flows[position]
        let isAlive = flow.key == key && isAlive(flow, behind: nat, now: now)
        var port = localPort
        if nat.kind == .symmetric {
            let isSame = isAlive && flow.remotePort == remote.port
            port = isSame ? flow.mappedPort : Self.port(key, remote.port, now)
        }
        if flow.key == 0 { used += 1 }
        flows[position] = Flow(
            key: key, lastSent: Self.milliseconds(now), mappedPort: port, remotePort: remote.port)
        return port
    }

    /// Whether a packet that has reached the translator from outside gets through to the host.
    func admits(from remote: EndpointV4, to port: UInt16, of host: HostIndex, behind nat: NAT, now: Instant) -> Bool {
        guard nat.kind != .open else { return port == localPort }
        guard !flows.isEmpty else { return false }
        let key = Self.key(host, nat.kind == .fullCone ? 0 : remote.address)
        let flow = flows[position(of: key)]
        guard flow.key == key, flow.mappedPort == port, isAlive(flow, behind: nat, now: now) else { return false }
        switch nat.kind {
        case .open, .fullCone, .addressRestricted: return true
        case .portRestricted, .symmetric: return flow.remotePort == remote.port
        }
    }

    private func isAlive(_ flow: Flow, behind nat: NAT, now: Instant) -> Bool {
        Self.milliseconds(now) &- flow.lastSent <= UInt32(nat.mappingSeconds) * 1000
    }

    /// The flow's slot, or the free one where it belongs.
    private func position(of key: UInt64) -> Int {
        let mask = flows.count - 1
        var position = Int(truncatingIfNeeded: Self.mix(key)) & mask
        let flows = flows.span
        while flows[position].key != 0, flows[position].key != key { position = (position + 1) & mask }
        return position
    }

    /// Forgets what no translator remembers, and grows if that was not enough.
    private mutating func rebuild(now: Instant) {
        let old = flows
        let stamp = Self.milliseconds(now)
        let isKept = { (flow: Flow) in
            flow.key != 0 && stamp &- flow.lastSent <= Self.longestMappingMilliseconds
        }
        let kept = old.count(where: isKept)
        var capacity = max(Self.initialCapacity, old.count)
        while kept * 3 > capacity { capacity *= 2 }
        flows = Array(repeating: Flow(), count: capacity)
        used = kept
        for flow in old where isKept(flow) { flows[position(of: flow.key)] = flow }
    }

    private static func key(_ host: HostIndex, _ address: UInt32) -> UInt64 {
        UInt64(host + 1) << 32 | UInt64(address)
    }

    private static func milliseconds(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    }

    private static func port(_ key: UInt64, _ remotePort: UInt16, _ now: Instant) -> UInt16 {
        let hash = mix(key ^ mix(UInt64(remotePort) ^ UInt64(bitPattern: now.nanoseconds)))
        return UInt16(1024 + hash % 60_000)
    }

    /// The finaliser of SplitMix64: spreads every bit over all.
    static func mix(_ word: UInt64) -> UInt64 {
        var word = word &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
