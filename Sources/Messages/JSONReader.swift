/// A strict pull reader of one JSON text (RFC 8259) that allocates nothing.
///
/// It takes what the contracts promise and no more: UTF-8 without a byte order mark; no number
/// beyond the binary64 range; no lone surrogate; no member twice in one object, known or ignored;
/// at most `deepest` containers inside one another and `mostMembers` members in an ignored object.
/// Faults are thrown as refusals; which fault wins is settled by `diagnosis`.
package struct JSONReader {
    package static let deepest = 32
    package static let mostMembers = 256

    let base: UnsafePointer<UInt8>
    /// The byte that is next to read; never beyond the zero byte behind the text.
    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    /// Bytes of the payload before the text.
    let prefix: Int
    let text: UnsafeMutablePointer<UInt8>
    let keys: UnsafeMutablePointer<Key>
    /// Members noted in the objects that are open.
    var keyCount = 0

    /// A member's name as it stands between its quotes.
    struct Key {
        var start: UnsafePointer<UInt8>
        var count: Int32
        var isEscaped: Bool
        var hash: UInt64
    }

    init(_ scratch: JSONScratch, prefix: Int = 0) {
        base = UnsafePointer(scratch.bytes)
        at = base
        end = base + scratch.count
        text = scratch.text
        keys = scratch.keys
        self.prefix = prefix
    }

    @inline(__always)
    var offset: Int { at - base + prefix }

    @inline(__always)
    func refusal(_ code: RefusalCode, _ field: MessageField) -> Refusal {
        Refusal(code, field, offset: offset)
    }

    // MARK: Structure

    /// The next byte that is not white space, without taking it.
    @inline(__always)
    package mutating func peek() -> UInt8 {
        if _fastPath(at[0] > 0x20) { return at[0] }
        at = Self.pastSpace(at)
        return at[0]
    }

    /// Takes and returns an address, so that a reader in a local variable can live in registers.
    @inline(never)
    private static func pastSpace(_ start: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var at = start
        while at[0] == 0x20 || at[0] == 0x0A || at[0] == 0x0D || at[0] == 0x09 { at += 1 }
        return at
    }

    /// Takes a byte if it is the next one that is not white space.
    @inline(__always)
    package mutating func take(_ byte: UInt8) -> Bool {
        if peek() == byte {
            at += 1
            return true
        }
        return false
    }

    /// Takes the byte that must open a value of the field's type.
    @inline(__always)
    mutating func open(_ byte: UInt8, _ field: MessageField) throws(Refusal) {
        if !take(byte) { throw refusal(.wrongType, field) }
    }

    /// Takes a byte the grammar demands here.
    @inline(__always)
    mutating func demand(_ byte: UInt8, _ field: MessageField) throws(Refusal) {
        if !take(byte) { throw refusal(.malformedJSON, field) }
    }

    /// After an element: true when another follows, false when the container closed.
    @inline(__always)
    package mutating func hasMore(until close: UInt8, _ field: MessageField) throws(Refusal) -> Bool
    {
        let byte = peek()
        at += 1
        if byte == UInt8(ascii: ",") { return true }
        if byte == close { return false }
        at -= 1
        throw refusal(.malformedJSON, field)
    }

    /// Nothing but white space may follow the value.
    package mutating func finish() throws(Refusal) {
        _ = peek()
        if at != end { throw refusal(.malformedJSON, .body) }
    }

    /// Whether bytes are one JSON text that this reader takes.
    package static func validate(
        _ text: UnsafeRawBufferPointer, in scratch: JSONScratch
    ) throws(Refusal) {
        scratch.load(text)
        var reader = JSONReader(scratch)
        try reader.skipValue(.body, depth: 0)
        try reader.finish()
    }

    // MARK: Names of members

    /// A member's name, and the colon after it.
    @inline(__always)
    mutating func key(_ field: MessageField) throws(Refusal) -> Key {
        try demand(UInt8(ascii: "\""), field)
        let start = at
        let isEscaped = try passString(field)
        let count = Int32(truncatingIfNeeded: at - start - 1)
        try demand(UInt8(ascii: ":"), field)
        return Key(start: start, count: count, isEscaped: isEscaped, hash: 0)
    }

    /// Remembers the name of a member that is not a known one and refuses its second coming.
    ///
    /// - Parameter first: `keyCount` when its object was opened.
    mutating func note(_ key: Key, since first: Int, _ field: MessageField) throws(Refusal) {
        guard keyCount - first < Self.mostMembers else {
            throw Refusal(.malformedJSON, field, offset: key.start - base + prefix)
        }
        var key = key
        key.hash = key.computedHash
        for index in first..<keyCount where keys[index].hash == key.hash {
            if keys[index].isSame(as: key) {
                throw Refusal(.duplicateField, field, offset: key.start - base + prefix)
            }
        }
        keys[keyCount] = key
        keyCount += 1
    }

    // MARK: Values nobody asked for

    /// Passes over any value, checking it as strictly as one that is used.
    ///
    /// - Parameter depth: the number of containers open around it.
    package mutating func skipValue(_ field: MessageField, depth: Int) throws(Refusal) {
        switch peek() {
        case UInt8(ascii: "\""):
            at += 1
            _ = try passString(field)
        case UInt8(ascii: "{"): try skipObject(field, depth: depth + 1)
        case UInt8(ascii: "["): try skipArray(field, depth: depth + 1)
        case UInt8(ascii: "t"): try skipWord("true", field)
        case UInt8(ascii: "f"): try skipWord("false", field)
        case UInt8(ascii: "n"): try skipWord("null", field)
        default: try skipNumber(field)
        }
    }

    private mutating func skipObject(_ field: MessageField, depth: Int) throws(Refusal) {
        guard depth <= Self.deepest else { throw refusal(.malformedJSON, field) }
        at += 1
        if take(UInt8(ascii: "}")) { return }
        let first = keyCount
        repeat {
            let key = try key(field)
            try note(key, since: first, field)
            try skipValue(field, depth: depth)
        } while try hasMore(until: UInt8(ascii: "}"), field)
        keyCount = first
    }

    private mutating func skipArray(_ field: MessageField, depth: Int) throws(Refusal) {
        guard depth <= Self.deepest else { throw refusal(.malformedJSON, field) }
        at += 1
        if take(UInt8(ascii: "]")) { return }
        repeat {
            try skipValue(field, depth: depth)
        } while try hasMore(until: UInt8(ascii: "]"), field)
    }

    private mutating func skipWord(_ word: StaticString, _ field: MessageField) throws(Refusal) {
        for index in 0..<word.utf8CodeUnitCount where at[index] != word.utf8Start[index] {
            throw refusal(.malformedJSON, field)
        }
        at += word.utf8CodeUnitCount
    }

    /// Takes `null` if it is next.
    package mutating func takeNull(_ field: MessageField) throws(Refusal) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try skipWord("null", field)
        return true
    }
}

extension JSONReader.Key {
    /// Whether this is the name of a known member.
    @inline(__always)
    func matches(_ name: StaticString) -> Bool {
        if _slowPath(isEscaped) { return matchesEscaped(name) }
        guard Int(count) == name.utf8CodeUnitCount else { return false }
        return equalBytes(start, name.utf8Start, name.utf8CodeUnitCount)
    }

    @inline(never)
    private func matchesEscaped(_ name: StaticString) -> Bool {
        var bytes = UnescapedBytes(start, count: Int(count))
        for index in 0..<name.utf8CodeUnitCount where bytes.next() != name.utf8Start[index] {
            return false
        }
        return bytes.next() == nil
    }

    var computedHash: UInt64 {
        var bytes = UnescapedBytes(start, count: Int(count))
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        while let byte = bytes.next() { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }

    /// The name, escapes resolved.
    var text: String {
        var bytes = UnescapedBytes(start, count: Int(count))
        var text: [UInt8] = []
        while let byte = bytes.next() { text.append(byte) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether both write the same name, one perhaps with escapes.
    func isSame(as other: JSONReader.Key) -> Bool {
        var left = UnescapedBytes(start, count: Int(count))
        var right = UnescapedBytes(other.start, count: Int(other.count))
        while let byte = left.next() {
            guard byte == right.next() else { return false }
        }
        return right.next() == nil
    }
}

/// Whether two runs of bytes are equal; with a constant count, a few word comparisons.
@inline(__always)
func equalBytes(
    _ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int
) -> Bool {
    var index = 0
    while index + 8 <= count {
        if eightBytes(at: left + index) != eightBytes(at: right + index) { return false }
        index += 8
    }
    while index < count {
        if left[index] != right[index] { return false }
        index += 1
    }
    return true
}

/// Eight bytes, the first one lowest.
@inline(__always)
func eightBytes(at address: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(address).loadUnaligned(as: UInt64.self))
}
