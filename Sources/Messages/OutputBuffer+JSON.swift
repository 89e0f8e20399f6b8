import Quantities

/// The writer of JSON. Members are written as literals with their punctuation, so that an encoder
/// reads like the contract; every other piece is a value.
extension OutputBuffer {
    /// Bytes of JSON known when compiling.
    @inline(__always)
    mutating func literal(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        reserve(length)
        (base + count).update(from: text.utf8Start, count: length)
        count += length
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    /// A decimal in quotes.
    mutating func decimal(_ value: FixedDecimal) {
        reserve(FixedDecimal.longestText + 2)
        base[count] = UInt8(ascii: "\"")
        let room = UnsafeMutableBufferPointer(
            start: base + count + 1, count: FixedDecimal.longestText)
        let length = value.write(into: room)
        base[count + 1 + length] = UInt8(ascii: "\"")
        count += length + 2
    }

    /// A time in quotes, with 6 fractional digits.
    mutating func instant(_ value: Instant) {
        reserve(Instant.textLength + 2)
        base[count] = UInt8(ascii: "\"")
        value.write(
            into: UnsafeMutableBufferPointer(start: base + count + 1, count: Instant.textLength))
        base[count + 1 + Instant.textLength] = UInt8(ascii: "\"")
        count += Instant.textLength + 2
    }

    /// A name in quotes, the two characters JSON reserves escaped.
    mutating func identifier(_ value: Identifier) {
        reserve(Identifier.longest * 2 + 2)
        base[count] = UInt8(ascii: "\"")
        count += 1
        for index in 0..<value.utf8Count {
            let byte = value.byte(at: index)
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                base[count] = UInt8(ascii: "\\")
                count += 1
            }
            base[count] = byte
            count += 1
        }
        base[count] = UInt8(ascii: "\"")
        count += 1
    }

    /// Any text in quotes.
    mutating func string(_ text: String) {
        byte(UInt8(ascii: "\""))
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                byte(UInt8(ascii: "\\"))
                byte(unit)
            case 0..<0x20:
                literal("\\u00")
                byte(UInt8(ascii: "0") + unit >> 4)
                let low = unit & 0xF
                byte(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default: byte(unit)
            }
        }
        byte(UInt8(ascii: "\""))
    }

    mutating func integer(_ value: Int64) {
        reserve(20)
        if value < 0 {
            base[count] = UInt8(ascii: "-")
            count += 1
        }
        digits(value.magnitude)
    }

    /// A fraction in millionths, exactly: 52 500 is `0.0525`.
    mutating func ratio(_ value: Ratio) {
        reserve(20)
        if value.millionths < 0 {
            base[count] = UInt8(ascii: "-")
            count += 1
        }
        let magnitude = UInt64(value.millionths.magnitude)
        digits(magnitude / 1_000_000)
        fraction(magnitude % 1_000_000, digits: 6)
    }

    /// A statistic in at most 15 significant digits, the most that mean something in every
    /// binary64: 12 fractional digits below 1 000, 9 below 10^6, 6 below 10^9; the shortest text
    /// that reads back as the same number from there on.
    ///
    /// - Parameter value: finite.
    mutating func statistic(_ value: Double) {
        precondition(value.isFinite, "JSON has no such number")
        let magnitude = value.magnitude
        let unitsPerOne: UInt64
        if magnitude < 1e3 {
            unitsPerOne = 1_000_000_000_000
        } else if magnitude < 1e6 {
            unitsPerOne = 1_000_000_000
        } else if magnitude < 1e9 {
            unitsPerOne = 1_000_000
        } else {
            return shortest(value)
        }
        let units = UInt64(magnitude * Double(unitsPerOne) + 0.5)
        let (whole, part) = units.quotientAndRemainder(dividingBy: unitsPerOne)
        fixedPoint(
            whole, part &* (1_000_000_000_000 / unitsPerOne), isNegative: value < 0)
    }

    /// The shortest text that reads back as the same number.
    ///
    /// - Parameter value: finite.
    mutating func number(_ value: Double) {
        precondition(value.isFinite, "JSON has no such number")
        // Up to 2^53 both the count and 10^12 are exact, so the quotient is what a reader makes
        // of the digits.
        let scaled = (value.magnitude * 1e12)
        if scaled < 0x1p53 {
            let units = UInt64(scaled + 0.5)
            if Double(units) / 1e12 == value.magnitude {
                let one: UInt64 = 1_000_000_000_000
                return fixedPoint(units / one, units % one, isNegative: value < 0)
            }
        }
        shortest(value)
    }

    @inline(never)
    private mutating func shortest(_ value: Double) {
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return integer(whole) }
        for unit in value.description.utf8 { byte(unit) }
    }

    /// A whole number and units of 10^-12, trailing zeros dropped.
    private mutating func fixedPoint(_ whole: UInt64, _ part: UInt64, isNegative: Bool) {
        reserve(40)
        if isNegative && (whole > 0 || part > 0) {
            base[count] = UInt8(ascii: "-")
            count += 1
        }
        digits(whole)
        fraction(part, digits: 12)
    }

    /// Decimal digits of a whole number; there is room for 20.
    @inline(__always)
    private mutating func digits(_ value: UInt64) {
        if value < 10 {
            base[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)
            count += 1
            return
        }
        var length = 0
        var rest = value
        while rest > 0 {
            length += 1
            rest /= 10
        }
        rest = value
        var position = count + length
        while position > count {
            position -= 1
            base[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }

    /// A point and the digits of a fraction without its trailing zeros; nothing for 0. There is
    /// room for all of them.
    @inline(__always)
    private mutating func fraction(_ value: UInt64, digits: Int) {
        if value == 0 { return }
        var rest = value
        var digits = digits
        if rest % 1_000_000 == 0 {
            rest /= 1_000_000
            digits -= 6
        }
        while rest % 10 == 0 {
            rest /= 10
            digits -= 1
        }
        base[count] = UInt8(ascii: ".")
        var position = count + digits
        while position > count {
            base[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            position -= 1
        }
        count += digits + 1
    }
}
