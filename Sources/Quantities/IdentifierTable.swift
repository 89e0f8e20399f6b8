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
    @usableFromInline
    var recent = RecentNames()

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
        let (leftStart, rightStart) = (Int(starts[Int(left)]), Int(starts[Int(right)]))
        let (leftWord, rightWord) = (words[leftStart], words[rightStart])
        if leftWord != rightWord { return leftWord.byteSwapped < rightWord.byteSwapped }
        return words[leftStart..<Int(starts[Int(left) + 1])].lexicographicallyPrecedes(
            words[rightStart..<Int(starts[Int(right) + 1])]
        ) { $0.byteSwapped < $1.byteSwapped }
    }

    /// The number of an identifier, or nil when it was never added.
    public func index(of identifier: Identifier) -> Int32? {
        let slot = slot(of: identifier, hash: Self.hash(of: identifier))
        return tags[slot] == 0 ? nil : slots[slot]
    }

    /// The number of an identifier, added first if it is new.
    @inlinable @inline(__always)
    public mutating func insert(_ identifier: Identifier) -> Int32 {
        if identifier.utf8Count <= 8, let index = recent.index(of: identifier.firstWord) {
            return index
        }
        return insertAny(identifier)
    }

    @usableFromInline
    mutating func insertAny(_ identifier: Identifier) -> Int32 {
        let index = insertUnseen(identifier)
        if identifier.wordCount == 1 { recent.note(identifier.words[0], index) }
        return index
    }

    @inline(__always)
    private mutating func insertUnseen(_ identifier: Identifier) -> Int32 {
        let hash = Self.hash(of: identifier)
        let slot = slot(of: identifier, hash: hash)
        if tags[slot] != 0 { return slots[slot] }
        let index = Int32(count)
        words.append(identifier.words[0])
        let wordCount = identifier.wordCount
        if wordCount > 1 { words.append(identifier.words[1]) }
        if wordCount > 2 { for word in 2..<wordCount { words.append(identifier.words[word]) } }
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

    /// Of a name's words, two at a time: a product of both halves the machine has at hand. Names
    /// that differ in their last digits alone are spread by it.
    @inline(__always)
    private static func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0x9E37_79B9_7F4A_7C15)
            .multipliedFullWidth(by: second ^ 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    private static func hash(of identifier: Identifier) -> UInt64 {
        // A place that is written down costs no copy of the words, and few names are longer.
        let hash = hash(identifier.words[0], identifier.words[1])
        guard identifier.wordCount > 2 else { return hash }
        return (2..<identifier.wordCount).reduce(hash) { Self.hash($0, identifier.words[$1]) }
    }

    private static func tag(of hash: UInt64) -> UInt8 { UInt8(hash >> 57) | 0x80 }

    private mutating func grow() {
        var larger = [UInt8](repeating: 0, count: tags.count * 2)
        var numbers = [Int32](repeating: -1, count: larger.count)
        let mask = larger.count - 1
        // Not one element at a time: each would ask again whether the arrays are its own.
        larger.withUnsafeMutableBufferPointer { tags in
            numbers.withUnsafeMutableBufferPointer { slots in
                withEveryHash { index, hash in
                    var slot = Int(truncatingIfNeeded: hash) & mask
                    while tags[slot] != 0 { slot = (slot + 1) & mask }
                    tags[slot] = Self.tag(of: hash)
                    slots[slot] = index
                }
            }
        }
        (tags, slots) = (larger, numbers)
    }

    /// Gives the number and the hash of every name.
    @inline(__always)
    private func withEveryHash(_ body: (Int32, UInt64) -> Void) {
        words.withUnsafeBufferPointer { words in
            starts.withUnsafeBufferPointer { starts in
                for index in 0..<starts.count - 1 {
                    let (start, end) = (Int(starts[index]), Int(starts[index + 1]))
                    var hash = Self.hash(words[start], end - start > 1 ? words[start + 1] : 0)
                    if end - start > 2 {
                        for place in start + 2..<end { hash = Self.hash(hash, words[place]) }
                    }
                    body(Int32(index), hash)
                }
            }
        }
    }
}

/// Names of one word, as those of nearly all assets are, that were inserted lately: each is found
/// by one comparison.
@usableFromInline
struct RecentNames: Sendable {
    @usableFromInline
    var words = [UInt64](repeating: 0, count: 256)
    @usableFromInline
    var indices = [Int32](repeating: -1, count: 256)

    init() {}

    @inlinable
    static func place(of word: UInt64) -> Int {
        Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 56)
    }

    @inlinable
    func index(of word: UInt64) -> Int32? {
        let place = Self.place(of: word)
        return words[place] == word ? indices[place] : nil
    }

    mutating func note(_ word: UInt64, _ index: Int32) {
        let place = Self.place(of: word)
        words[place] = word
        indices[place] = index
    }
}
