extension Instant {
    /// Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z` with 0–9 fractional digits, in UTC.
    ///
    /// - Returns: nil for any other form, a day or time that does not exist (leap seconds
    ///   included), or a year outside 1678…2261.
    @inlinable
    public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
        guard text.count >= 20, text.count <= 30, text[text.count - 1] == UInt8(ascii: "Z"),
            text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":")
        else { return nil }
        var isNumeric = true
        func number(_ start: Int, _ count: Int) -> Int64 {
            var value: Int64 = 0
            for index in start..<(start + count) {
                let digit = text[index] &- UInt8(ascii: "0")
                if digit > 9 { isNumeric = false }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        let year = number(0, 4)
        let month = number(5, 2)
        let day = number(8, 2)
        let hour = number(11, 2)
        let minute = number(14, 2)
        let second = number(17, 2)
        var fraction: Int64 = 0
        if text.count > 20 {
            let digits = text.count - 21
            guard text[19] == UInt8(ascii: "."), digits >= 1 else { return nil }
            fraction = number(20, digits)
            for _ in digits..<9 { fraction *= 10 }
        }
        guard isNumeric, year >= 1678, year <= 2261, month >= 1, month <= 12, day >= 1,
            day <= daysInMonth(month, year: year), hour <= 23, minute <= 59, second <= 59
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        nanoseconds = seconds * 1_000_000_000 + fraction
    }

    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let value = text.withUTF8({ Instant(utf8: $0) }) else { return nil }
        self = value
    }

    /// Bytes of a written instant: `2026-11-22T14:00:00.123456Z`.
    public static let textLength = 27

    /// Writes this instant with exactly 6 fractional digits, the rest dropped towards the past.
    public func write(into text: UnsafeMutableBufferPointer<UInt8>) {
        let microseconds = period(ofNanoseconds: 1_000)
        let days = floorDivide(microseconds, 86_400_000_000)
        var rest = microseconds - days * 86_400_000_000
        let date = civilDate(daysSince1970: days)
        func put(_ value: Int64, _ start: Int, _ count: Int) {
            var value = value
            for index in stride(from: start + count - 1, through: start, by: -1) {
                text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
                value /= 10
            }
        }
        put(date.year, 0, 4)
        text[4] = UInt8(ascii: "-")
        put(date.month, 5, 2)
        text[7] = UInt8(ascii: "-")
        put(date.day, 8, 2)
        text[10] = UInt8(ascii: "T")
        put(rest / 3_600_000_000, 11, 2)
        rest %= 3_600_000_000
        text[13] = UInt8(ascii: ":")
        put(rest / 60_000_000, 14, 2)
        rest %= 60_000_000
        text[16] = UInt8(ascii: ":")
        put(rest / 1_000_000, 17, 2)
        text[19] = UInt8(ascii: ".")
        put(rest % 1_000_000, 20, 6)
        text[26] = UInt8(ascii: "Z")
    }

    private func period(ofNanoseconds length: Int64) -> Int64 {
        floorDivide(nanoseconds, length)
    }
}

extension Instant: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) {
            write(into: $0)
            return Self.textLength
        }
    }
}

@inlinable
func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, negative before it.
///
/// - Source: Howard Hinnant, chrono-compatible low-level date algorithms, `days_from_civil`.
@inlinable
func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
}

/// The inverse of `daysSince1970`.
func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
        (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
