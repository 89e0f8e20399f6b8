/// Gives identifiers small consecutive numbers, in the order they were added.
///
/// Open addressing over a power of two; look-ups allocate nothing. The numbers depend on the
/// order of insertion alone, never on a per-run hash seed.
public struct IdentifierTable: Sendable {
    public private(set) var identifiers: [Identifier] = []
    /// Indexes into `identifiers`; -1 is empty. Its count is a power of two, at most half full.
    private var slots: [Int32] = Array(repeating: -1, count: 16)

    public init() {}

    public init(_ identifiers: some Sequence<Identifier>) {
        for identifier in identifiers { _ = insert(identifier) }
    }

    public var count: Int { identifiers.count }

    public subscript(index: Int32) -> Identifier { identifiers[Int(index)] }

    /// The number of an identifier, or nil when it was never added.
    public func index(of identifier: Identifier) -> Int32? {
        let mask = slots.count - 1
        var slot = Self.first(for: identifier) & mask
        while slots[slot] >= 0 {
            if identifiers[Int(slots[slot])] == identifier { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The number of an identifier, added first if it is new.
    public mutating func insert(_ identifier: Identifier) -> Int32 {
        if let index = index(of: identifier) { return index }
        precondition(identifiers.count < Int32.max)
        let index = Int32(identifiers.count)
        identifiers.append(identifier)
        if identifiers.count * 2 > slots.count { grow() } else { place(index) }
        return index
    }

    /// Where the search for an identifier begins, before the mask. Names that differ in their last
    /// digits alone lie side by side in the lowest bits of their hashes: they are spread first.
    private static func first(for identifier: Identifier) -> Int {
        Int(truncatingIfNeeded: (identifier.stableHash &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    private mutating func place(_ index: Int32) {
        let mask = slots.count - 1
        var slot = Self.first(for: identifiers[Int(index)]) & mask
        while slots[slot] >= 0 { slot = (slot + 1) & mask }
        slots[slot] = index
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 2)
        for index in identifiers.indices { place(Int32(index)) }
    }
}
