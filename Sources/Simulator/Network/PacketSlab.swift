/// The bytes of the packets under way, in slots of four sizes that are used again and again.
struct PacketSlab: Sendable {
    /// One packet under way.
    struct Handle: BitwiseCopyable, Sendable {
        fileprivate var slot: UInt32
        fileprivate var byteCount: UInt16
        fileprivate var sizeClass: UInt8
    }

    private struct SizeClass {
        let slotByteCount: Int
        var bytes: [UInt8] = []
        var free: [UInt32] = []

        mutating func allocate() -> UInt32 {
            if let slot = free.popLast() { return slot }
            let slot = bytes.count / slotByteCount
            bytes.append(contentsOf: repeatElement(0, count: slotByteCount))
            return UInt32(slot)
        }
    }

    /// Queries, most replies, the longest of the others (BEP 32), and what fits into an Ethernet frame.
    private var classes = [128, 384, 1024, 1472].map { SizeClass(slotByteCount: $0) }

    /// Nil for a packet that the internet would have to break up.
    mutating func insert(_ packet: ArraySlice<UInt8>) -> Handle? {
        guard let sizeClass = classes.firstIndex(where: { packet.count <= $0.slotByteCount }) else { return nil }
        let slot = classes[sizeClass].allocate()
        let start = Int(slot) * classes[sizeClass].slotByteCount
        classes[sizeClass].bytes.replaceSubrange(start..<start + packet.count, with: packet)
        return Handle(slot: slot, byteCount: UInt16(packet.count), sizeClass: UInt8(sizeClass))
    }

    func firstByte(of handle: Handle) -> Int {
        let sizeClass = Int(handle.sizeClass)
        return Int(classes[sizeClass].bytes[Int(handle.slot) * classes[sizeClass].slotByteCount])
    }

    /// Copies the packet to the front of `buffer`, and forgets it.
    mutating func remove(_ handle: Handle, into buffer: inout [UInt8]) {
        let sizeClass = Int(handle.sizeClass)
        let start = Int(handle.slot) * classes[sizeClass].slotByteCount
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: classes[sizeClass].bytes[start..<start + Int(handle.byteCount)])
        classes[sizeClass].free.append(handle.slot)
    }
}
