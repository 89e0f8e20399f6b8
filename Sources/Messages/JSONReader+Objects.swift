import Quantities

/// The members an object may have, by name, in the order in which they are usually sent.
struct Members: Sendable {
    let all: [(name: StaticString, field: MessageField)]
    /// A bit for each member that must come.
    let required: UInt32

    init(
        required: [(name: StaticString, field: MessageField)],
        optional: [(name: StaticString, field: MessageField)] = []
    ) {
        all = required + optional
        precondition(all.count < 32)
        self.required = 1 << UInt32(required.count) - 1
    }
}

extension JSONReader {
    /// Reads an object whose members may come in any order; unknown ones are passed over.
    ///
    /// - Parameters:
    ///   - depth: containers open around it.
    ///   - read: is called with the position of a known member in `members` and must take its
    ///     value.
    /// - Returns: a bit for each known member that came.
    /// - Throws: `duplicate-field`, `missing-field`, and what `read` throws.
    @discardableResult
    mutating func object(
        _ members: Members, _ field: MessageField, depth: Int,
        _ read: (Int, inout JSONReader) throws(Refusal) -> Void
    ) throws(Refusal) -> UInt32 {
        try open(UInt8(ascii: "{"), field)
        let firstKey = keyCount
        var seen: UInt32 = 0
        var expected = 0
        if !take(UInt8(ascii: "}")) {
            repeat {
                let key = try key(field)
                guard let index = members.index(of: key, expected: expected) else {
                    try note(key, since: firstKey, field)
                    try skipValue(field, depth: depth + 1)
                    continue
                }
                let bit: UInt32 = 1 << UInt32(index)
                if seen & bit != 0 { throw refusal(.duplicateField, members.all[index].field) }
                seen |= bit
                expected = index + 1
                try read(index, &self)
            } while try hasMore(until: UInt8(ascii: "}"), field)
        }
        keyCount = firstKey
        let missing = members.required & ~seen
        if missing != 0 {
            throw refusal(.missingField, members.all[missing.trailingZeroBitCount].field)
        }
        return seen
    }

    /// Reads an array and returns the number of its elements.
    ///
    /// - Parameter read: is called for each element and must take it.
    /// - Throws: `out-of-range` for a count outside the range, and what `read` throws.
    @discardableResult
    mutating func array(
        _ field: MessageField, count range: ClosedRange<Int>,
        _ read: (inout JSONReader) throws(Refusal) -> Void
    ) throws(Refusal) -> Int {
        try open(UInt8(ascii: "["), field)
        var count = 0
        if !take(UInt8(ascii: "]")) {
            repeat {
                if count == range.upperBound { throw refusal(.outOfRange, field) }
                try read(&self)
                count += 1
            } while try hasMore(until: UInt8(ascii: "]"), field)
        }
        if count < range.lowerBound { throw refusal(.outOfRange, field) }
        return count
    }

    /// Statistics that are not negative.
    static let notNegative = 0...Double.greatestFiniteMagnitude

    /// A finite number within a range.
    mutating func double(
        _ field: MessageField, in range: ClosedRange<Double>
    ) throws(Refusal) -> Double {
        let value = try double(field)
        guard range.contains(value) else { throw refusal(.outOfRange, field) }
        return value
    }

    /// A published fraction 0…1, a whole number of millionths.
    mutating func ratio(_ field: MessageField) throws(Refusal) -> Ratio {
        let millionths = try double(field, in: 0...1) * 1e6
        let whole = Int32(millionths + 0.5)
        guard abs(millionths - Double(whole)) < 1e-6 else { throw refusal(.outOfRange, field) }
        return Ratio(millionths: whole)
    }

    /// A decimal that is not negative, nor 0 with a minus.
    mutating func unsignedDecimal(_ field: MessageField) throws(Refusal) -> FixedDecimal {
        let hasMinus = peek() == UInt8(ascii: "\"") && at[1] == UInt8(ascii: "-")
        let value = try decimal(field)
        if hasMinus || value.units < 0 { throw refusal(.outOfRange, field) }
        return value
    }

    /// Any text; `text` keeps its storage when it already says the same.
    mutating func string(_ field: MessageField, into text: inout String) throws(Refusal) {
        let bytes = try string(field)
        if text.utf8.elementsEqual(bytes) { return }
        text = String(decoding: bytes, as: UTF8.self)
    }
}

extension Members {
    /// - Parameter expected: where the member is most likely found.
    @inline(__always)
    func index(of key: JSONReader.Key, expected: Int) -> Int? {
        if expected < all.count, key.matches(all[expected].name) { return expected }
        for index in all.indices where key.matches(all[index].name) { return index }
        return nil
    }
}
