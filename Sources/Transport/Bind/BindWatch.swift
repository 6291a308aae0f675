package import Primitives

/// What happened to an interface or address that `--bind` named.
package enum BindNotice: Equatable, Sendable {
    /// Nothing can be sent from there.
    case lost(String)
    /// The sockets are usable again, at these addresses.
    case returned(String, at: [Endpoint], after: Duration)
    /// The interface has another address, and the sockets have followed.
    case moved(String, to: [Endpoint])
}

/// Follows the interfaces that sockets are bound to: compares what the system lists now with what each home uses.
///
/// A value without sockets: the caller looks at the machine, passes what it has seen, and carries out the changes.
struct BindWatch {
    /// What has to be done about a home.
    enum Change: Equatable {
        /// Nothing can leave from there.
        case lost(home: Int)
        /// The same sockets work again, after so long.
        case returned(home: Int, after: Duration)
        /// Its sockets have to be opened anew at this place, which `reopened` then reports.
        ///
        /// It is proposed again with each look until that is done.
        case reopen(home: Int, at: BindPlace)
    }

    private struct Slot {
        let home: Int
        let target: BindTarget
        var address: Endpoint
        var device: BoundHome.Device
        var lostSince: Instant?
    }

    private var slots: [Slot] = []

    /// Homes without a device are not followed: no interface lists their address.
    init(_ homes: [BoundHome]) {
        for (index, home) in homes.enumerated() {
            guard let target = home.target, let device = home.device else { continue }
            slots.append(Slot(home: index, target: target, address: home.local.host, device: device))
        }
    }

    var isEmpty: Bool { slots.isEmpty }

    func isLost(_ home: Int) -> Bool { slots.contains { $0.home == home && $0.lostSince != nil } }

    /// Whether nothing can leave from any home of the target.
    func isLost(_ target: BindTarget) -> Bool { slots.allSatisfy { $0.target != target || $0.lostSince != nil } }

    /// Since when nothing can leave from this home.
    func lostSince(_ home: Int) -> Instant? { slots.first { $0.home == home }?.lostSince }

    var targets: [BindTarget] {
        slots.reduce(into: []) { if !$0.contains($1.target) { $0.append($1.target) } }
    }

    /// Compares with what the machine has now; `index` gives the number of an interface, 0 where it is not there.
    mutating func looked(at interfaces: Interfaces, index: (String) -> CInt, now: Instant) -> [Change] {
        slots.indices.compactMap { slot in
            let current = slots[slot]
            let used = BindPlace(address: current.address, device: current.device.name, isUp: true)
            let place = current.target.place(current.address.family, in: interfaces, current: used)
            guard let place, place.isUp else {
                guard current.lostSince == nil else { return nil }
                slots[slot].lostSince = now
                return .lost(home: current.home)
            }
            let isSame = place.address == current.address && place.device == current.device.name
            if !isSame || index(place.device) != current.device.index { return .reopen(home: current.home, at: place) }
            guard let since = current.lostSince else { return nil }
            slots[slot].lostSince = nil
            return .returned(home: current.home, after: now - since)
        }
    }

    /// The sockets of a home are at another place.
    mutating func reopened(_ index: Int, as home: BoundHome) {
        guard let device = home.device else { return }
        for slot in slots.indices where slots[slot].home == index {
            slots[slot].address = home.local.host
            slots[slot].device = device
            slots[slot].lostSince = nil
        }
    }
}
