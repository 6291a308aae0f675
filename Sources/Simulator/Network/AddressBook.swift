import Primitives

/// Who has which address: most by `AddressPlan`, which takes no memory, some by the scenario's choice.
struct AddressBook: Sendable {
    private var placed: [UInt32: UInt32] = [:]

    /// Whether a scenario may give this address to a host: outside of the plan, and free.
    func canPlace(_ address: UInt32) -> Bool {
        AddressPlan.index(of: address) == nil && placed[address] == nil
    }

    mutating func place(_ host: HostIndex, at address: UInt32) {
        placed[address] = UInt32(host)
    }

    func host(at address: UInt32) -> HostIndex? {
        if let index = AddressPlan.index(of: address) { return index }
        return placed.isEmpty ? nil : placed[address].map(Int.init)
    }
}
