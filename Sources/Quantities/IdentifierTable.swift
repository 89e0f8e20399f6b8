/// Gives identifiers small consecutive numbers, in the order they were added.
///
/// Names lie one after the other in whole words, so that a million of them take what they are long.
/// Open addressing over a power of two; look-ups allocate nothing. A byte of each name's hash lies
/// apart from all else: whether a name is new, it tells nearly alone. The numbers depend on the
/// order of insertion alone, never on a per-run hash seed.
public struct IdentifierTable: Sendable {
    /// The used words of all names.
    private var words: [UInt64] = []
    /// Where each name begins in `words`, and where the last one ends.
    private var starts: [UInt32] = [0]
    /// A slot's part of a hash; 0 is empty. Its count is a power of two, at most three quarters
    /// of it full.
    private var tags: [UInt8] = Array(repeating: 0, count: 16)
    /// A slot's number.
    private var slots: [Int32] = Array(repeating: -1, count: 16)

    public init() {}

    public init(_ identifiers: some Sequence<Identifier>) {
        for identifier in identifiers { _ = insert(identifier) }
    }

    public var count: Int { starts.count - 1 }

    /// All of them, in the order of their numbers.
    public var identifiers: [Identifier] { (0..<Int32(count)).map { self[$0] } }

    public subscript(index: Int32) -> Identifier {
        let place = Int(starts[Int(index)])
        return Identifier(wordCount: Int(starts[Int(index) + 1]) - place) { words[place + $0] }
    }

    /// Whether one identifier comes before another, by their numbers: `Identifier.<`.
    public func isOrdered(_ left: Int32, before right: Int32) -> Bool {
        var leftPlace = Int(starts[Int(left)])
        let leftEnd = Int(starts[Int(left) + 1])
        var rightPlace = Int(starts[Int(right)])
        let rightEnd = Int(starts[Int(right) + 1])
        while leftPlace < leftEnd, rightPlace < rightEnd {
            let (leftWord, rightWord) = (words[leftPlace], words[rightPlace])
            if leftWord != rightWord { return leftWord.byteSwapped < rightWord.byteSwapped }
            leftPlace += 1
            rightPlace += 1
        }
        return leftPlace == leftEnd && rightPlace < rightEnd
    }

    /// The number of an identifier, or nil when it was never added.
    public func index(of identifier: Identifier) -> Int32? {
        let slot = slot(of: identifier, hash: Self.hash(of: identifier))
        return tags[slot] == 0 ? nil : slots[slot]
    }

    /// The number of an identifier, added first if it is new.
    public mutating func insert(_ identifier: Identifier) -> Int32 {
        let hash = Self.hash(of: identifier)
        let slot = slot(of: identifier, hash: hash)
        if tags[slot] != 0 { return slots[slot] }
        let index = Int32(count)
        for word in 0..<identifier.wordCount { words.append(identifier.words[word]) }
        starts.append(UInt32(words.count))
        tags[slot] = Self.tag(of: hash)
        slots[slot] = index
        if count * 4 > slots.count * 3 { grow() }
        return index
    }

    /// Where an identifier is, or would be placed.
    private func slot(of identifier: Identifier, hash: UInt64) -> Int {
        let tag = Self.tag(of: hash)
        let mask = tags.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while tags[slot] != 0 {
            if tags[slot] == tag, isEqual(slots[slot], identifier) { return slot }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private func isEqual(_ index: Int32, _ identifier: Identifier) -> Bool {
        let start = Int(starts[Int(index)])
        guard Int(starts[Int(index) + 1]) - start == identifier.wordCount else { return false }
        for word in 0..<identifier.wordCount where words[start + word] != identifier.words[word] {
            return false
        }
        return true
    }

    /// Names that differ in their last digits alone have hashes that lie side by side: they are
    /// spread.
    private static func spread(_ hash: UInt64) -> UInt64 {
        let product = hash.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    private static func hash(of identifier: Identifier) -> UInt64 {
        spread(identifier.stableHash)
    }

    private func hash(of index: Int32) -> UInt64 {
        Self.spread(
            Identifier.stableHash(words[Int(starts[Int(index)])..<Int(starts[Int(index) + 1])]))
    }

    private static func tag(of hash: UInt64) -> UInt8 { UInt8(hash >> 57) | 0x80 }

    private mutating func grow() {
        tags = Array(repeating: 0, count: tags.count * 2)
        slots = Array(repeating: -1, count: tags.count)
        let mask = tags.count - 1
        for index in 0..<Int32(count) {
            let hash = hash(of: index)
            var slot = Int(truncatingIfNeeded: hash) & mask
            while tags[slot] != 0 { slot = (slot + 1) & mask }
            tags[slot] = Self.tag(of: hash)
            slots[slot] = index
        }
    }
}
