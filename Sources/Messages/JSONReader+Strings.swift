import Quantities

extension JSONReader {
    /// Passes over a string whose opening quote was taken, its closing quote included.
    ///
    /// - Returns: whether it has escapes.
    @inline(__always)
    mutating func passString(_ field: MessageField) throws(Refusal) -> Bool {
        while true {
            let special = specialBytes(in: eightBytes(at: at))
            if special == 0 {
                at += 8
                continue
            }
            at += special.trailingZeroBitCount >> 3
            if _fastPath(at[0] == UInt8(ascii: "\"")) {
                at += 1
                return false
            }
            return try passUnusualString(field)
        }
    }

    /// The top bit of each byte that ends a plain run: a quote, a backslash, a control character
    /// or a byte of a longer sequence. Bytes above the first of them may be marked falsely.
    @inline(__always)
    private func specialBytes(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let found =
            (quotes &- ones) | (backslashes &- ones) | (word &- ones &* 0x20) | word
        // A byte is marked when a subtraction borrowed there; what is above the first may be false.
        return found & (ones &* 0x80)
    }

    @inline(never)
    private mutating func passUnusualString(_ field: MessageField) throws(Refusal) -> Bool {
        var isEscaped = false
        while true {
            let byte = at[0]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return isEscaped
            case UInt8(ascii: "\\"):
                isEscaped = true
                try passEscape(field)
            case 0..<0x20: throw refusal(.malformedJSON, field)
            case 0x20..<0x80: at += 1
            default: try passSequence(field)
            }
        }
    }

    private mutating func passEscape(_ field: MessageField) throws(Refusal) {
        switch at[1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard let unit = hexadecimal(at + 2) else { throw refusal(.malformedJSON, field) }
            if unit >= 0xD800 && unit < 0xE000 {
                guard unit < 0xDC00, at[6] == UInt8(ascii: "\\"), at[7] == UInt8(ascii: "u"),
                    let second = hexadecimal(at + 8), second >= 0xDC00, second < 0xE000
                else { throw refusal(.malformedJSON, field) }
                at += 6
            }
            at += 6
        default: throw refusal(.malformedJSON, field)
        }
    }

    /// One sequence of two to four bytes: no overlong form, surrogate or value beyond U+10FFFF.
    ///
    /// - Source: the Unicode Standard, table 3-7, well-formed UTF-8 byte sequences.
    private mutating func passSequence(_ field: MessageField) throws(Refusal) {
        let second = at[1]
        let length: Int
        switch at[0] {
        case 0xC2...0xDF where isContinuation(second): length = 2
        case 0xE0 where second >= 0xA0 && second <= 0xBF: length = 3
        case 0xED where second >= 0x80 && second <= 0x9F: length = 3
        case 0xE1...0xEF where at[0] != 0xED && isContinuation(second): length = 3
        case 0xF0 where second >= 0x90 && second <= 0xBF: length = 4
        case 0xF1...0xF3 where isContinuation(second): length = 4
        case 0xF4 where second >= 0x80 && second <= 0x8F: length = 4
        default: throw refusal(.malformedJSON, field)
        }
        if length >= 3 && !isContinuation(at[2]) { throw refusal(.malformedJSON, field) }
        if length == 4 && !isContinuation(at[3]) { throw refusal(.malformedJSON, field) }
        at += length
    }

    // MARK: Values

    /// A string's bytes, escapes resolved. They are valid until the next string is read and are
    /// followed by at least eight readable bytes.
    ///
    /// - Throws: `out-of-range` when escapes are used in more than `JSONScratch.mostText` bytes.
    @inline(__always)
    package mutating func string(_ field: MessageField) throws(Refusal) -> UnsafeBufferPointer<
        UInt8
    > {
        try open(UInt8(ascii: "\""), field)
        let start = at
        if _slowPath(try passString(field)) {
            return try unescaped(start, count: at - start - 1, field)
        }
        return UnsafeBufferPointer(start: start, count: at - start - 1)
    }

    @inline(never)
    private func unescaped(
        _ start: UnsafePointer<UInt8>, count: Int, _ field: MessageField
    ) throws(Refusal) -> UnsafeBufferPointer<UInt8> {
        var bytes = UnescapedBytes(start, count: count)
        var length = 0
        while let byte = bytes.next() {
            guard length < JSONScratch.mostText else { throw refusal(.outOfRange, field) }
            text[length] = byte
            length += 1
        }
        return UnsafeBufferPointer(start: text, count: length)
    }

    /// A name of 1–64 printable characters.
    @inline(__always)
    mutating func identifier(_ field: MessageField) throws(Refusal) -> Identifier {
        guard let value = Identifier(utf8: try string(field)) else {
            throw refusal(.outOfRange, field)
        }
        return value
    }

    /// A time in RFC 3339, UTC, with 0–9 fractional digits.
    @inline(__always)
    mutating func instant(_ field: MessageField) throws(Refusal) -> Instant {
        guard let value = Instant(utf8: try string(field)) else {
            throw refusal(.outOfRange, field)
        }
        return value
    }
}

/// The bytes that a checked string stands for, one after another.
struct UnescapedBytes {
    private var at: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// Bytes of a scalar not yet given out, the next one lowest.
    private var pending: UInt32 = 0

    init(_ start: UnsafePointer<UInt8>, count: Int) {
        at = start
        end = start + count
    }

    mutating func next() -> UInt8? {
        if pending != 0 {
            defer { pending >>= 8 }
            return UInt8(truncatingIfNeeded: pending)
        }
        guard at < end else { return nil }
        let byte = at[0]
        guard byte == UInt8(ascii: "\\") else {
            at += 1
            return byte
        }
        let kind = at[1]
        at += 2
        switch kind {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): return nextOfScalar()
        default: return kind
        }
    }

    /// The first byte of the scalar whose four digits are next; the others become pending.
    private mutating func nextOfScalar() -> UInt8 {
        var scalar = hexadecimal(at) ?? 0
        at += 4
        if scalar >= 0xD800 && scalar < 0xDC00 {
            scalar = 0x10000 + (scalar - 0xD800) << 10 + ((hexadecimal(at + 2) ?? 0xDC00) - 0xDC00)
            at += 6
        }
        func continuation(_ shift: UInt32) -> UInt32 { 0x80 | (scalar >> shift & 0x3F) }
        switch scalar {
        case 0..<0x80: return UInt8(scalar)
        case 0x80..<0x800:
            pending = continuation(0)
            return UInt8(0xC0 | scalar >> 6)
        case 0x800..<0x10000:
            pending = continuation(6) | continuation(0) << 8
            return UInt8(0xE0 | scalar >> 12)
        default:
            pending = continuation(12) | continuation(6) << 8 | continuation(0) << 16
            return UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        }
    }
}

/// The value of four hexadecimal digits, nil when one of them is something else.
func hexadecimal(_ digits: UnsafePointer<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for index in 0..<4 {
        let byte = digits[index]
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 48)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 87)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 55)
        default: return nil
        }
    }
    return value
}

@inline(__always)
private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
