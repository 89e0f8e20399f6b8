import Quantities
import TestSupport
import Testing

struct FixedDecimalTests {
    @Test(arguments: [
        ("0", "0"), ("61234.50", "61234.5"), ("-0.1", "-0.1"), ("000.000", "0"), ("-0", "0"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ("0.000000000000000001", "0.000000000000000001"),
    ])
    func readsAndWrites(text: String, written: String) {
        #expect(FixedDecimal(text)?.description == written)
    }

    @Test(arguments: [
        "", "-", ".", "1.", ".5", "+1", "1e3", " 1", "1 ", "1,5", "1_0", "--1", "1.2.3", "NaN",
        "1234567890123456789", "0.1234567890123456789", "Infinity", "0x1",
    ])
    func refuses(text: String) {
        #expect(FixedDecimal(text) == nil)
    }

    @Test func roundsAwayFromItsSource() throws {
        let price = try #require(FixedDecimal("61234.567"))
        #expect(price.rounded(.down, fractionDigits: 2).description == "61234.56")
        #expect(price.rounded(.up, fractionDigits: 2).description == "61234.57")
        let debt = try #require(FixedDecimal("-0.001"))
        #expect(debt.rounded(.down, fractionDigits: 2).description == "-0.01")
        #expect(debt.rounded(.up, fractionDigits: 2).description == "0")
    }

    @Test func takesBinaryNumbersAtTheirDecimalMeaning() {
        #expect(FixedDecimal(0.29, fractionDigits: 2, rounding: .down)?.description == "0.29")
        #expect(FixedDecimal(1.234, fractionDigits: 2, rounding: .up)?.description == "1.24")
        #expect(FixedDecimal(1e18, fractionDigits: 0, rounding: .up) == nil)
        #expect(FixedDecimal(Double.nan, fractionDigits: 2, rounding: .up) == nil)
    }

    @Test func wholeNumbersAreExact() {
        for power in 0..<16 {
            var value = 1
            for _ in 0..<power { value *= 10 }
            #expect(FixedDecimal(value).double == Double(value))
            #expect(FixedDecimal(-value).double == -Double(value))
        }
    }

    @Test func isTheNearestDouble() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<100_000 {
            let digits = random.next() >> (random.next() % 60)
            let text = "\(digits % 1_000_000_000_000).\(random.next() >> (random.next() % 60))"
            if text.split(separator: ".")[1].count > 18 { continue }
            guard let value = FixedDecimal(text)?.double, let nearest = Double(text) else {
                Issue.record("\(text) was refused")
                return
            }
            #expect(value == nearest, "\(text)")
        }
    }

    /// Both sides of what is converted by one division: eight fractional digits, 2^53 of the last.
    @Test func shortAndLongDecimalsAreTheNearestDoubles() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<50_000 {
            for (digits, step) in [(8, 10_000_000_000), (9, 1_000_000_000)] as [(Int, Int128)] {
                let count = Int128(random.next() >> (8 + random.next() % 8))
                let units = count * step
                let text = "\(count)e-\(digits)"
                #expect(FixedDecimal(units: units).double == Double(text), "\(text)")
                #expect(FixedDecimal(units: -units).double == Double("-" + text), "-\(text)")
            }
        }
        for count in [(1 << 53) - 1, 1 << 53, (1 << 53) + 1] as [Int128] {
            let value = FixedDecimal(units: count * 10_000_000_000)
            #expect(value.double == Double("\(count)e-8"), "\(count)")
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("0.00000001", 1), ("-0.00000001", -1), ("61234.5", 6_123_450_000_000),
            ("-61234.5", -6_123_450_000_000), ("90071992.54740991", 9_007_199_254_740_991),
            ("-90071992.54740991", -9_007_199_254_740_991), ("90071992.54740992", nil),
            ("-90071992.54740992", nil), ("0.000000001", nil), ("-0.000000015", nil),
            ("999999999999999999", nil),
        ] as [(String, Int64?)])
    func countsHundredMillionths(text: String, count: Int64?) throws {
        let decimal = try #require(FixedDecimal(text))
        #expect(decimal.hundredMillionths == count)
    }
}
