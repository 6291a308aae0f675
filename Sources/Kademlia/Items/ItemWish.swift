import KRPC
import Primitives

/// What a `get` looks for beside its target (BEP 44).
package struct ItemWish: Hashable, Sendable {
    /// Of a mutable item: its target is made of the key and this, but only the key is sent.
    package var salt: [UInt8]
    /// Only versions newer than this are of interest.
    package var newerThan: Int64?

    package init(salt: [UInt8] = [], newerThan: Int64? = nil) {
        self.salt = salt
        self.newerThan = newerThan
    }

    /// The item in a response, if it is one of this target and authentic.
    func item(_ fields: ItemFields, of target: ID160, in packet: RawSpan) -> Item? {
        guard let value = fields.value.map({ packet.copy($0) }) else { return nil }
        // Without a signature it can only be an immutable one, and that is easily seen.
        guard let key = fields.key, let signature = fields.signature, let sequence = fields.sequence else {
            let item = Item(value: value)
            return item.target == target ? item : nil
        }
        let signed = Item.Signed(
            key: packet.copy(key), salt: salt, sequence: sequence, signature: packet.copy(signature))
        let item = Item(value: value, signed: signed)
        return item.target == target && item.isAuthentic ? item : nil
    }
}
