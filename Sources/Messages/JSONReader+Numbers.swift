import Quantities

extension JSONReader {
    // MARK: Decimals in strings

    /// A decimal string. What the fast path does not take goes through `FixedDecimal(utf8:)`.
    @inline(__always)
    mutating func decimal(_ field: MessageField) throws(Refusal) -> FixedDecimal {
        if _slowPath(peek() != UInt8(ascii: "\"")) { throw refusal(.wrongType, field) }
        let isNegative = at[1] == UInt8(ascii: "-")
        let start = isNegative ? at + 2 : at + 1
        let whole = Digits(at: start)
        var next = start + whole.count
        var fraction = Digits()
        if next[0] == UInt8(ascii: ".") {
            fraction = Digits(at: next + 1)
            next += 1 + fraction.count
            if _slowPath(fraction.count == 0) { return try unusualDecimal(field) }
        }
        if _slowPath(next[0] != UInt8(ascii: "\"") || whole.count == 0) {
            return try unusualDecimal(field)
        }
        at = next + 1
        let units = whole.value.multipliedFullWidth(by: 1_000_000_000_000_000_000)
        let part = fraction.value &* powerOfTen(18 - fraction.count)
        let (low, carry) = units.low.addingReportingOverflow(part)
        let high = units.high &+ (carry ? 1 : 0)
        let magnitude = Int128(truncatingIfNeeded: high) << 64 | Int128(truncatingIfNeeded: low)
        return FixedDecimal(units: isNegative ? 0 &- magnitude : magnitude)
    }

    @inline(__always)
    private mutating func unusualDecimal(_ field: MessageField) throws(Refusal) -> FixedDecimal {
        // A copy, because a reader whose address is taken cannot live in registers.
        var copy = self
        let value = try copy.decimalFromText(field)
        at = copy.at
        return value
    }

    @inline(never)
    private mutating func decimalFromText(_ field: MessageField) throws(Refusal) -> FixedDecimal {
        guard let value = FixedDecimal(utf8: try string(field)) else {
            throw refusal(.outOfRange, field)
        }
        return value
    }

    /// A decimal string above 0.
    @inline(__always)
    mutating func positiveDecimal(_ field: MessageField) throws(Refusal) -> FixedDecimal {
        let value = try decimal(field)
        if value.units <= 0 { throw refusal(.outOfRange, field) }
        return value
    }

    // MARK: Numbers

    /// A whole number written without a point and an exponent.
    mutating func integer(
        _ field: MessageField, in range: ClosedRange<Int64>
    ) throws(Refusal) -> Int64 {
        let number = try Number(&self, field)
        guard number.isInteger else { throw refusal(.wrongType, field) }
        guard number.digits <= 18 else { throw refusal(.outOfRange, field) }
        let magnitude = Int64(number.significand)
        let value = number.isNegative ? -magnitude : magnitude
        guard range.contains(value) else { throw refusal(.outOfRange, field) }
        return value
    }

    /// A number, rounded to the nearest binary64.
    @inline(__always)
    package mutating func double(_ field: MessageField) throws(Refusal) -> Double {
        try Number(&self, field).double(self, field)
    }

    /// Passes over a number, refusing one too large for a binary64.
    mutating func skipNumber(_ field: MessageField) throws(Refusal) {
        let byte = at[0]
        guard byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10 else {
            throw refusal(.malformedJSON, field)
        }
        let number = try Number(&self, field)
        if _slowPath(number.digits + max(number.exponent, 0) > 300) {
            _ = try number.double(self, field)
        }
    }

    /// Up to eight decimal digits at some place; more are left for a slower way.
    struct Digits {
        var value: UInt64 = 0
        var count = 0

        @inline(__always)
        init() {}

        /// - Source: Lemire (2021), Number parsing at a gigabyte per second, §4: eight digits by
        ///   three multiplications.
        @inline(__always)
        init(at address: UnsafePointer<UInt8>) {
            let bytes = eightBytes(at: address) ^ 0x3030_3030_3030_3030
            let others =
                ((bytes &+ 0x7676_7676_7676_7676) | bytes) & 0x8080_8080_8080_8080
            count = others.trailingZeroBitCount >> 3
            value = Self.combined(bytes << UInt64(truncatingIfNeeded: 64 &- count &* 8))
        }

        @inline(__always)
        static func combined(_ bytes: UInt64) -> UInt64 {
            let pairs = bytes &* 10 &+ bytes >> 8
            let mask: UInt64 = 0x0000_00FF_0000_00FF
            let upper = (pairs & mask) &* 0x000F_4240_0000_0064
            let lower = (pairs >> 16 & mask) &* 0x0000_2710_0000_0001
            return (upper &+ lower) >> 32
        }
    }
}

/// A JSON number taken apart: significand × 10^exponent, with the sign apart.
struct Number {
    let start: UnsafePointer<UInt8>
    let count: Int
    let isNegative: Bool
    /// The first 19 significant digits.
    let significand: UInt64
    /// Significant digits, those dropped from `significand` included.
    let digits: Int
    /// Power of ten of the last significant digit; held within ±10^9.
    let exponent: Int
    /// Neither point nor exponent.
    let isInteger: Bool

    /// Reads the number that is next.
    ///
    /// - Throws: `wrong-type` where another value stands, `malformed-json` for a wrong form.
    @inline(__always)
    init(_ reader: inout JSONReader, _ field: MessageField) throws(Refusal) {
        _ = reader.peek()
        var at = reader.at
        start = at
        isNegative = at[0] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var significand: UInt64 = 0
        var digits = 0
        let whole = at
        while true {
            let digit = at[0] &- UInt8(ascii: "0")
            if digit > 9 { break }
            // Leading zeros are not significant: they leave the significand at 0.
            if digits > 0 || digit > 0 { digits += 1 }
            if digits <= 19 { significand = significand &* 10 &+ UInt64(digit) }
            at += 1
        }
        let wholeCount = at - whole
        guard wholeCount > 0, wholeCount == 1 || whole[0] != UInt8(ascii: "0") else {
            throw reader.refusal(isNegative || wholeCount > 0 ? .malformedJSON : .wrongType, field)
        }
        var exponent = 0
        var isInteger = true
        if at[0] == UInt8(ascii: ".") {
            isInteger = false
            at += 1
            let fraction = at
            while true {
                let digit = at[0] &- UInt8(ascii: "0")
                if digit > 9 { break }
                if digits > 0 || digit > 0 { digits += 1 }
                if digits <= 19 { significand = significand &* 10 &+ UInt64(digit) }
                at += 1
            }
            exponent = fraction - at
            if exponent == 0 { throw reader.refusal(.malformedJSON, field) }
        }
        if at[0] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            exponent += try Self.exponent(&at, reader, field)
        }
        self.significand = significand
        self.digits = digits
        self.exponent = exponent
        self.isInteger = isInteger
        count = at - start
        reader.at = at
    }

    private static func exponent(
        _ at: inout UnsafePointer<UInt8>, _ reader: JSONReader, _ field: MessageField
    ) throws(Refusal) -> Int {
        at += 1
        let isNegative = at[0] == UInt8(ascii: "-")
        if isNegative || at[0] == UInt8(ascii: "+") { at += 1 }
        var value = 0
        let first = at
        while at[0] &- UInt8(ascii: "0") < 10 {
            value = min(value * 10 + Int(at[0] - UInt8(ascii: "0")), 1_000_000_000)
            at += 1
        }
        if at == first { throw reader.refusal(.malformedJSON, field) }
        return isNegative ? -value : value
    }

    /// The nearest binary64, ties to even; -0 keeps its sign.
    ///
    /// - Throws: `out-of-range` when that is not finite.
    @inline(__always)
    func double(_ reader: JSONReader, _ field: MessageField) throws(Refusal) -> Double {
        // Both factors exact, so one rounding: Clinger (1990), How to read floating-point numbers.
        if digits <= 19, significand <= 1 << 53, exponent >= -22, exponent <= 22 {
            let power = exactPowerOfTen(exponent < 0 ? -exponent : exponent)
            let value = Double(significand)
            let magnitude = exponent < 0 ? value / power : value * power
            return isNegative ? -magnitude : magnitude
        }
        if significand == 0 { return isNegative ? -0.0 : 0 }
        let value: Double
        if digits <= 19, exponent >= -27, exponent <= 0 {
            value = quotient
        } else {
            value = parsed
        }
        guard value.isFinite else { throw reader.refusal(.outOfRange, field) }
        return isNegative ? -value : value
    }

    /// significand / 10^-exponent, for exponents -27…0: a 64-bit quotient whose remainder settles
    /// the rounding.
    @inline(never)
    private var quotient: Double {
        let scale = -exponent
        var divisor: UInt64 = 1
        for _ in 0..<scale { divisor &*= 5 }
        let divisorShift = divisor.leadingZeroBitCount
        divisor <<= UInt64(divisorShift)
        let dividendShift = significand.leadingZeroBitCount
        let dividend = significand << UInt64(dividendShift)
        // Half of the dividend is below the divisor, so the quotient fits 64 bits; it has 63 or 64.
        var (bits, remainder) = divisor.dividingFullWidth((dividend >> 1, dividend << 63))
        // An odd lowest bit stands for everything below it; rounding to 53 bits never reaches it.
        if remainder != 0 { bits |= 1 }
        remainder = 0
        // significand/5^k = (dividend/2^ds)/(divisor/2^dv); the quotient is dividend·2^63/divisor.
        let power = divisorShift - dividendShift - 63 - scale
        return Double(sign: .plus, exponent: power, significand: Double(bits))
    }

    /// By the standard library, for the rare rest: more than 19 digits or a large exponent.
    @inline(never)
    private var parsed: Double {
        let text = UnsafeBufferPointer(
            start: isNegative ? start + 1 : start, count: isNegative ? count - 1 : count)
        return Double(String(decoding: text, as: UTF8.self)) ?? .infinity
    }
}

/// 10 to the power of 0…22, each exact.
@inline(__always)
func exactPowerOfTen(_ exponent: Int) -> Double {
    switch exponent {
    case 0: 1e0
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    case 7: 1e7
    case 8: 1e8
    case 9: 1e9
    case 10: 1e10
    case 11: 1e11
    case 12: 1e12
    case 13: 1e13
    case 14: 1e14
    case 15: 1e15
    case 16: 1e16
    case 17: 1e17
    case 18: 1e18
    case 19: 1e19
    case 20: 1e20
    case 21: 1e21
    default: 1e22
    }
}
