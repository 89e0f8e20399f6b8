/// A name the bus uses for an asset, venue, account or instrument, held inline: 1–64 bytes of
/// printable ASCII without the space and without `|`, which joins the parts of a record key.
///
/// Holding, comparing and hashing one allocates nothing.
public struct Identifier: Sendable {
    /// The bytes, eight a word, first byte lowest; unused bytes are 0.
    @usableFromInline
    var words: InlineArray<8, UInt64>
    /// Number of bytes, 1…64.
    @usableFromInline
    var length: UInt8

    public static let longest = 64

    /// - Returns: nil when the text is empty, longer than 64 bytes or has a byte that is not
    ///   allowed.
    @inlinable
    public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
        guard text.count >= 1, text.count <= Self.longest else { return nil }
        words = InlineArray(repeating: 0)
        length = UInt8(text.count)
        for index in 0..<text.count {
            let byte = text[index]
            guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "|") else { return nil }
            words[index >> 3] |= UInt64(byte) << UInt64((index & 7) * 8)
        }
    }

    /// A name that stands for none, where a value has to be there before it is read into.
    public static let unnamed = Identifier(letter: UInt8(ascii: "-"))

    private init(letter: UInt8) {
        words = InlineArray(repeating: 0)
        words[0] = UInt64(letter)
        length = 1
    }

    /// - Parameter word: the words of another identifier that hold its bytes, of which none is 0.
    @inline(__always)
    init(wordCount: Int, _ word: (Int) -> UInt64) {
        words = InlineArray(repeating: 0)
        for index in 0..<wordCount { words[index] = word(index) }
        length = UInt8(8 * wordCount - words[wordCount - 1].leadingZeroBitCount / 8)
    }

    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let value = text.withUTF8({ Identifier(utf8: $0) }) else { return nil }
        self = value
    }

    @inlinable
    public var utf8Count: Int { Int(length) }

    /// Words that hold bytes, 1…8.
    @inlinable
    var wordCount: Int { (Int(length) + 7) >> 3 }

    /// The first eight bytes, the first one lowest: different for most names that differ.
    @inlinable
    public var firstWord: UInt64 { words[0] }

    /// The byte at a position below `utf8Count`.
    @inlinable
    public func byte(at index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: words[index >> 3] >> UInt64((index & 7) * 8))
    }

    /// Whether this is the name that these bytes write.
    @inlinable
    public func isEqual(to text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count == utf8Count else { return false }
        for index in 0..<text.count where text[index] != byte(at: index) { return false }
        return true
    }

    /// Writes the bytes into memory of at least `utf8Count` bytes and returns their number.
    @inlinable
    public func write(into text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        for index in 0..<utf8Count { text[index] = byte(at: index) }
        return utf8Count
    }

    /// A hash that is the same in every run and on every machine (FNV-1a over the words).
    @inlinable
    public var stableHash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<wordCount {
            hash = (hash ^ words[index]) &* 0x0000_0100_0000_01b3
            hash ^= hash >> 29
        }
        return hash
    }

}

extension Identifier: Hashable {
    @inlinable
    public static func == (left: Identifier, right: Identifier) -> Bool {
        // Most names that differ do so at once.
        guard left.words[0] == right.words[0], left.length == right.length else { return false }
        for index in 1..<max(1, left.wordCount) where left.words[index] != right.words[index] {
            return false
        }
        return true
    }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(stableHash)
    }
}

extension Identifier: Comparable {
    /// The order of the bytes, as `memcmp` has it.
    public static func < (left: Identifier, right: Identifier) -> Bool {
        for index in 0..<8 where left.words[index] != right.words[index] {
            return left.words[index].byteSwapped < right.words[index].byteSwapped
        }
        return left.length < right.length
    }
}

extension Identifier: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: Self.longest) { write(into: $0) }
    }
}
