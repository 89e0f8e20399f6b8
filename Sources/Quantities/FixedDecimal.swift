/// An exact decimal number with 18 fractional digits: prices, quantities and money.
///
/// The magnitude is below 10^18, so every decimal string the contracts accept (up to 18 integer
/// and 18 fractional digits) has exactly one value here, sums and comparisons of such values are
/// exact, and two values that differ in writing only (`"1.50"`, `"1.5"`) are equal.
/// Products are not exact: take `double` for statistics.
public struct FixedDecimal: Hashable, Sendable {
    /// The value in units of 10^-18.
    public var units: Int128

    /// Units in one: 10^18.
    public static let unitsPerOne: Int128 = 1_000_000_000_000_000_000

    public static let zero = FixedDecimal(units: 0)
    public static let one = FixedDecimal(units: unitsPerOne)

    @inlinable
    public init(units: Int128) {
        self.units = units
    }

    /// A whole number.
    @inlinable
    public init(_ value: Int) {
        units = Int128(value) * Self.unitsPerOne
    }

    /// The multiple of 10^-`fractionDigits` next to a binary number, in the direction asked for.
    ///
    /// - Parameter fractionDigits: 0…18.
    /// - Returns: nil when `value` is not finite or its magnitude is 10^18 or more.
    public init?(
        _ value: Double, fractionDigits: Int, rounding rule: FloatingPointRoundingRule
    ) {
        precondition((0...18).contains(fractionDigits))
        guard value.isFinite, abs(value) < 1e18 else { return nil }
        let scaled = value * Double(powerOfTen(fractionDigits))
        let nearest = scaled.rounded()
        // A product such as 0.29 * 100 = 28.999999999999996 is the decimal it came from, not less.
        let isExact = abs(scaled - nearest) <= abs(scaled) * 4 * Double.ulpOfOne
        let count = isExact ? nearest : scaled.rounded(rule)
        let unit = powerOfTen(18 - fractionDigits)
        if let count = Int64(exactly: count) {
            let product = count.multipliedFullWidth(by: Int64(unit))
            units = Int128(product.high) << 64 | Int128(product.low)
        } else {
            units = Int128(count) * Int128(unit)
        }
    }

    /// This number in units of 10^-8, where it is a whole number of them, fewer than 2^53.
    @inlinable @inline(__always)
    public var hundredMillionths: Int64? {
        // 5^10 is divided by exactly, by its inverse modulo 2^64.
        let count = Int64(truncatingIfNeeded: units >> 10) &* 0x4fa7_f60d_3ed6_1f49
        let product = count.multipliedFullWidth(by: 10_000_000_000)
        guard count.magnitude < 1 << 53, product.low == UInt64(truncatingIfNeeded: units),
            product.high == Int64(truncatingIfNeeded: units >> 64)
        else { return nil }
        return count
    }

    /// The nearest binary number; exact wherever one is exact, below 2^53.
    @inlinable @inline(__always)
    public var double: Double {
        // Up to eight fractional digits, as prices and sizes have: one division rounds.
        if let count = hundredMillionths { return Double(count) / 1e8 }
        return nearest
    }

    /// As `double`, of any value.
    ///
    /// The units are summed and divided with the rounding errors carried along: plain arithmetic
    /// would make 99999.99999999999 of 100 000, since 10^23 is no binary number.
    @usableFromInline
    var nearest: Double {
        let magnitude = units.magnitude
        let high = Double(UInt64(truncatingIfNeeded: magnitude >> 64)) * 0x1p64
        let low = UInt64(truncatingIfNeeded: magnitude)
        let middle = Double(low >> 32) * 0x1p32
        let bottom = Double(low & 0xFFFF_FFFF)
        let upper = high + middle
        let sum = upper + bottom
        let lost = (middle - (upper - high)) + (bottom - (sum - upper))
        let quotient = sum / 1e18
        let remainder = sum.addingProduct(-quotient, 1e18) + lost
        let value = quotient + remainder / 1e18
        return units < 0 ? -value : value
    }

    /// The largest multiple of 10^-`fractionDigits` that is not above (`.down`) or the smallest
    /// that is not below (`.up`) this value.
    public func rounded(_ rule: FloatingPointRoundingRule, fractionDigits: Int) -> FixedDecimal {
        precondition((0...18).contains(fractionDigits))
        let step = Int128(powerOfTen(18 - fractionDigits))
        var quotient = units / step
        let remainder = units % step
        if remainder > 0 && rule == .up { quotient += 1 }
        if remainder < 0 && rule == .down { quotient -= 1 }
        return FixedDecimal(units: quotient * step)
    }

    /// Half of this value, a last odd unit dropped towards zero.
    @inlinable
    public var half: FixedDecimal { FixedDecimal(units: units / 2) }

    /// This value times a small fraction, a last part of a unit dropped towards zero.
    ///
    /// - Parameters: 0…170 each, the denominator not 0; within those the product cannot overflow.
    @inlinable
    public func times(_ numerator: Int, over denominator: Int) -> FixedDecimal {
        precondition((0...170).contains(numerator) && denominator > 0)
        return FixedDecimal(units: units * Int128(numerator) / Int128(denominator))
    }
}

extension FixedDecimal: Comparable {
    @inlinable
    public static func < (left: FixedDecimal, right: FixedDecimal) -> Bool {
        left.units < right.units
    }
}

extension FixedDecimal: AdditiveArithmetic {
    @inlinable
    public static func + (left: FixedDecimal, right: FixedDecimal) -> FixedDecimal {
        FixedDecimal(units: left.units + right.units)
    }

    @inlinable
    public static func - (left: FixedDecimal, right: FixedDecimal) -> FixedDecimal {
        FixedDecimal(units: left.units - right.units)
    }

    @inlinable
    public static prefix func - (value: FixedDecimal) -> FixedDecimal {
        FixedDecimal(units: -value.units)
    }
}

extension FixedDecimal {
    /// Reads a decimal as the contracts write it: an optional minus, 1–18 digits, and optionally
    /// a point with 1–18 digits. Nothing else: no plus, exponent, blanks or separators.
    @inlinable
    public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
        var index = 0
        let count = text.count
        var isNegative = false
        if index < count, text[index] == UInt8(ascii: "-") {
            isNegative = true
            index += 1
        }
        let integerStart = index
        var integer: UInt64 = 0
        while index < count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            integer = integer &* 10 &+ UInt64(digit)
            index += 1
            if index - integerStart > 18 { return nil }
        }
        guard index > integerStart else { return nil }
        var fraction: UInt64 = 0
        if index < count {
            guard text[index] == UInt8(ascii: ".") else { return nil }
            index += 1
            let fractionStart = index
            while index < count {
                let digit = text[index] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                fraction = fraction &* 10 &+ UInt64(digit)
                index += 1
                if index - fractionStart > 18 { return nil }
            }
            guard index > fractionStart else { return nil }
            fraction &*= powerOfTen(18 - (index - fractionStart))
        }
        let product = integer.multipliedFullWidth(by: 1_000_000_000_000_000_000)
        let magnitude =
            Int128(truncatingIfNeeded: product.high) << 64
            + Int128(truncatingIfNeeded: product.low) + Int128(truncatingIfNeeded: fraction)
        units = isNegative ? -magnitude : magnitude
    }

    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let value = text.withUTF8({ FixedDecimal(utf8: $0) }) else { return nil }
        self = value
    }
}

extension FixedDecimal: CustomStringConvertible {
    /// The shortest decimal string with this value: `"61234.5"`, `"-0.1"`, `"0"`.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.longestText) { write(into: $0) }
    }

    /// Bytes of the longest decimal: a minus, 21 integer digits of a sum, a point, 18 digits.
    public static let longestText = 41

    /// Writes `description` into memory of at least `longestText` bytes.
    ///
    /// - Returns: the number of bytes written.
    public func write(into text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let one: UInt64 = 1_000_000_000_000_000_000
        let magnitude = units.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        var index = 0
        if units < 0 {
            text[index] = UInt8(ascii: "-")
            index += 1
        }
        var fraction: UInt64
        if high < one {
            // One machine division; the quotient of 128-bit numbers would be a function's.
            let parts = one.dividingFullWidth((high, UInt64(truncatingIfNeeded: magnitude)))
            index = writeDigits(parts.quotient, into: text, at: index)
            fraction = parts.remainder
        } else {
            let parts = magnitude.quotientAndRemainder(dividingBy: UInt128(one))
            let upper = parts.quotient.quotientAndRemainder(dividingBy: UInt128(one))
            index = writeDigits(UInt64(upper.quotient), into: text, at: index)
            writeDigits(UInt64(upper.remainder), count: 18, into: text, at: index)
            index += 18
            fraction = UInt64(parts.remainder)
        }
        guard fraction > 0 else { return index }
        var digits = 18
        // Trailing zeros by halves: at most five divisions rather than eighteen.
        func dropZeros(_ count: Int, _ power: UInt64) {
            if fraction % power == 0 {
                fraction /= power
                digits -= count
            }
        }
        dropZeros(9, 1_000_000_000)
        dropZeros(4, 10_000)
        dropZeros(2, 100)
        dropZeros(2, 100)
        dropZeros(1, 10)
        text[index] = UInt8(ascii: ".")
        writeDigits(fraction, count: digits, into: text, at: index + 1)
        return index + digits + 1
    }

    /// Writes a whole number without leading zeros and returns the position after it.
    private func writeDigits(
        _ value: UInt64, into text: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) -> Int {
        var count = 1
        var bound: UInt64 = 10
        while count < 19 && value >= bound {
            count += 1
            bound &*= 10
        }
        if count == 19 && value >= 10_000_000_000_000_000_000 { count = 20 }
        writeDigits(value, count: count, into: text, at: start)
        return start + count
    }

    /// Writes a number in exactly this many digits.
    private func writeDigits(
        _ value: UInt64, count: Int, into text: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) {
        var rest = value
        var position = start + count
        while position > start {
            position -= 1
            text[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
