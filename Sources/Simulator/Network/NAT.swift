import Primitives

/// The translator that a host is behind, by what it lets in (the terms of RFC 3489) and for how long.
package struct NAT: Hashable, Sendable {
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// None: whoever knows the address gets in.
        case open
        /// Anybody gets in while the host has sent anything lately.
        case fullCone
        /// Those addresses get in that the host has sent to lately.
        case addressRestricted
        /// Those endpoints get in that the host has sent to lately.
        case portRestricted
        /// As before, and each destination sees a port of its own: what one learns is of no use to another.
        case symmetric
    }

    package var kind: Kind
    /// How long a mapping outlives the last packet that went out; 30 to 120 is usual.
    package var mappingSeconds: UInt8

    package static let none = NAT(kind: .open, mappingSeconds: 0)

    package init(kind: Kind, mappingSeconds: UInt8) {
        self.kind = kind
        self.mappingSeconds = mappingSeconds
    }
}

/// Which hosts are behind which translators, as shares of all; the rest is open.
package struct NATShares: Equatable, Sendable {
    package var fullCone = 0.0
    package var addressRestricted = 0.0
    package var portRestricted = 0.0
    package var symmetric = 0.0
    package var mappingSeconds: ClosedRange<UInt8> = 30...120

    package init() {}

    /// A third of all nodes behind port-restricted or symmetric translators, a tenth behind firewalls that let in those
    /// they have sent to (Jimenez and others, P2P 2009); how the third divides is our guess.
    package static let measured: NATShares = {
        var shares = NATShares()
        shares.fullCone = 0.027
        shares.addressRestricted = 0.106
        shares.portRestricted = 0.233
        shares.symmetric = 0.08
        return shares
    }()

    package var total: Double { fullCone + addressRestricted + portRestricted + symmetric }

    /// The same mix, making up this share of all hosts.
    package func scaled(to share: Double) -> NATShares {
        guard total > 0 else { return self }
        var scaled = self
        let factor = share / total
        scaled.fullCone *= factor
        scaled.addressRestricted *= factor
        scaled.portRestricted *= factor
        scaled.symmetric *= factor
        return scaled
    }

    func draw(using generator: inout SeededGenerator) -> NAT {
        var position = Double.random(in: 0..<1, using: &generator)
        let seconds = UInt8.random(in: mappingSeconds, using: &generator)
        let shares: [(NAT.Kind, Double)] = [
            (.fullCone, fullCone), (.addressRestricted, addressRestricted), (.portRestricted, portRestricted),
            (.symmetric, symmetric),
        ]
        for (kind, share) in shares {
            if position < share { return NAT(kind: kind, mappingSeconds: seconds) }
            position -= share
        }
        return .none
    }
}
