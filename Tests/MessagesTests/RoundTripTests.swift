import Haircuts
import Market
import Messages
import Quantities
import TestSupport
import Testing

/// Random values of every message.
struct RandomMessages {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func identifier() -> Identifier {
        let allowed = (0x21...0x7E).filter { $0 != 0x7C }.map { UInt8($0) }
        let bytes = (0..<count(1...(count(0...9) == 0 ? 64 : 8))).map { _ in
            allowed.randomElement(using: &random) ?? 0x41
        }
        return bytes.withUnsafeBufferPointer { Identifier(utf8: $0) } ?? name("X")
    }

    /// Microseconds, as they are written.
    mutating func instant() -> Instant {
        Instant(nanoseconds: Int64(random.next() >> 2) / 1_000 * 1_000)
    }

    /// > 0, of any length the contract takes.
    mutating func decimal() -> FixedDecimal {
        let digits = count(1...18)
        let whole = Int128(random.next() % 1_000_000_000_000_000_000)
        let power = (0..<digits).reduce(Int128(1)) { power, _ in power * 10 }
        let fraction = Int128(random.next() % 1_000_000_000_000_000_000) / power * power
        return FixedDecimal(units: whole / power * FixedDecimal.unitsPerOne + fraction + 1)
    }

    mutating func levels(from start: FixedDecimal, rising: Bool) -> [BookLevel] {
        var price = start
        return (0..<count(0...(count(0...20) == 0 ? 500 : 12))).compactMap { _ in
            let step = FixedDecimal(units: Int128(random.next() >> 8))
            price = rising ? price + step : price - step
            guard price > .zero else { return nil }
            return BookLevel(price: price, size: decimal())
        }
    }

    mutating func quote() -> Quote {
        let isBook = count(0...2) > 0
        var quote = Quote(
            asset: identifier(), venue: identifier(), kind: isBook ? .book : .index,
            time: instant(), sequence: Int64(random.next() >> 11))
        if isBook {
            let middle = FixedDecimal(units: Int128(random.next()) * 1_000 + 1_000)
            quote.bids = levels(from: middle, rising: false)
            quote.asks = levels(from: middle + FixedDecimal(units: 1), rising: true)
            for index in quote.bids.indices.dropFirst()
            where quote.bids[index].price >= quote.bids[index - 1].price {
                quote.bids.removeAll()
                break
            }
            if Bool.random(using: &random) { quote.dailyVolume = decimal() }
        } else {
            quote.price = decimal()
        }
        return quote
    }

    /// Any finite number, often of a size that surfaces have.
    mutating func number() -> Double {
        switch count(0...3) {
        case 0:
            let value = Double(bitPattern: random.next())
            return value.isFinite ? value : 0
        case 1: return Double(count(-1_000...1_000)) / 1_000
        default: return random.double(in: -2...2)
        }
    }

    mutating func surface() -> Surface {
        let expiries = (0..<count(1...4)).map { _ in
            let strikes = count(1...8)
            let smile: Surface.Smile =
                Bool.random(using: &random)
                ? .grid(
                    strikes: (0..<strikes).map { _ in decimal() },
                    volatilities: (0..<strikes).map { _ in number() })
                : .svi(
                    Surface.SVI(
                        a: number(), b: number(), rho: number(), m: number(), sigma: number()))
            return Surface.Expiry(expiry: instant(), forward: decimal(), smile: smile)
        }
        return Surface(
            asset: identifier(), time: instant(), sequence: Int64(random.next() >> 11),
            expiries: expiries)
    }

    /// A statistic that has nine fractional digits and so comes back as it was.
    mutating func statistic(_ range: ClosedRange<Double>) -> Double {
        (random.double(in: range) * 1e9).rounded() / 1e9
    }

    mutating func ratios() -> (initial: Ratio, maintenance: Ratio) {
        let initial = Int32(count(0...1_000_000))
        let maintenance = Int32(count(0...Int(initial)))
        return (Ratio(millionths: initial), Ratio(millionths: maintenance))
    }

    mutating func table() -> HaircutTable {
        var table = GoldenTests.haircut
        table.asset = identifier()
        table.time = instant()
        table.sequence = Int64(random.next() >> 11) + 1
        table.state = BreakerState.allCases.randomElement(using: &random) ?? .normal
        (table.price, table.debtPrice) = (decimal(), decimal())
        (table.reference, table.mid) = (decimal(), decimal())
        let count = count(1...9)
        let bounds = [FixedDecimal.zero] + (1..<max(count, 2)).map { FixedDecimal($0 * 1_000) }
        table.tiers = (0..<count).map { index in
            let (initial, maintenance) = ratios()
            return HaircutTier(
                from: bounds[index], to: index + 1 == count ? nil : bounds[index + 1],
                initial: initial, maintenance: maintenance)
        }
        table.target = Haircut(initial: statistic(0...1), maintenance: statistic(0...1))
        table.boundBy = Bounds(rawValue: UInt8(random.next() % 128))
        let (initial, maintenance) = ratios()
        table.next =
            Bool.random(using: &random)
            ? Projection(initial: initial, maintenance: maintenance, at: instant()) : nil
        table.scan = (0..<count).map { _ in
            ScanRange(notional: decimal(), down: statistic(0...0.9), up: statistic(0...9))
        }
        table.components.volatility = statistic(0...10)
        table.components.horizonSeconds = statistic(0...999_999)
        table.components.surfaceAge = Bool.random(using: &random) ? statistic(0...999_999) : nil
        table.components.depth = decimal()
        if Bool.random(using: &random) {
            table.impact = Impact(
                halfSpread: statistic(0...1), dailyDeviation: statistic(0...9), volume: decimal())
            table.systemCollateral = decimal()
            table.shares = (0..<4).map { _ in statistic(0...0.25) }
        }
        table.cause = cause()
        return table
    }
}

struct RoundTripTests {
    @Test func whatIsWrittenIsReadBack() {
        let seed: UInt64 = 11
        var messages = RandomMessages(seed: seed)
        for round in 0..<40_000 {
            let quote = messages.quote()
            let table = messages.table()
            let surface = messages.surface()
            let outcomes = [
                decodeQuote(bytes { $0.write(quote) }, key: "\(quote.asset)").value == quote,
                decodeSurface(bytes { $0.write(surface) }, key: "\(surface.asset)").value
                    == surface,
                decodeHaircut(bytes { $0.write(table) }, key: "\(table.asset)").value == table,
            ]
            if outcomes != [true, true, true] {
                Issue.record("seed \(seed) round \(round): \(outcomes)")
                return
            }
        }
    }

    @Test func whatIsWrittenOfAccountsIsReadBack() {
        let seed: UInt64 = 12
        var messages = RandomMessages(seed: seed)
        for round in 0..<20_000 {
            let snapshot = messages.snapshot()
            let requirement = messages.requirement()
            let alert = messages.alert()
            let outcomes = [
                decodePositions(bytes { $0.write(snapshot) }, key: "\(snapshot.account)").value
                    == snapshot,
                decodeRequirement(
                    bytes { $0.write(requirement) }, key: "\(requirement.account)"
                ).value == requirement,
                decodeAlert(bytes { $0.write(alert) }, key: "\(alert.account)").value == alert,
            ]
            if outcomes != [true, true, true] {
                Issue.record("seed \(seed) round \(round): \(outcomes)")
                return
            }
        }
    }

    @Test func whatIsWrittenOfTheLoopIsReadBack() {
        let seed: UInt64 = 13
        var messages = RandomMessages(seed: seed)
        for round in 0..<20_000 {
            let exposure = messages.exposure()
            let change = messages.breakerChange()
            let control = messages.control()
            let outcomes = [
                decodeExposure(
                    bytes { $0.write(exposure) }, key: written { $0.append(exposure.key) }
                ).value == exposure,
                decodeBreaker(bytes { $0.write(change) }, key: "\(change.asset)").value == change,
                decodeControl(
                    bytes { $0.write(control) }, key: written { $0.append(control.key) }
                ).value == control,
            ]
            if outcomes != [true, true, true] {
                Issue.record("seed \(seed) round \(round): \(outcomes)")
                return
            }
        }
    }

    func bytes(_ encode: (inout OutputBuffer) -> Void) -> [UInt8] {
        var buffer = OutputBuffer()
        encode(&buffer)
        return buffer.withBytes { Array($0) }
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (0.0525, "0.0525"), (0.1 + 0.2, "0.3"),
        (1e-13, "0"), (-1e-13, "0"), (5.1e-13, "0.000000000001"), (3807.3, "3807.3"),
        (8_999_999.5, "8999999.5"), (9e6, "9000000"), (12_345_678.25, "12345678.25"),
        (1e20, "1e+20"), (4_503_599_627_370_496, "4503599627370496"),
    ])
    func aStatisticHasUpTo12FractionalDigits(value: Double, text: String) {
        var table = GoldenTests.haircut
        table.branchingRatio = value
        #expect(written { $0.write(table) }.contains("\"branchingRatio\":\(text),"))
    }

    @Test(arguments: [
        (0, "0"), (1, "0.000001"), (52_500, "0.0525"), (1_000_000, "1"), (1_500_000, "1.5"),
    ])
    func aRatioIsWrittenExactly(millionths: Int, text: String) {
        var table = GoldenTests.haircut
        table.tiers[0].initial = Ratio(millionths: Int32(millionths))
        #expect(
            written { $0.write(table) }.contains(
                "\"initial\":\(text),\"maintenance\":0.034,\"tiers\""))
    }

    @Test func aBufferHoldsSeveralMessagesAndIsUsedAgain() {
        var buffer = OutputBuffer(capacity: 64)
        buffer.write(GoldenTests.book)
        let first = 0..<buffer.count
        buffer.write(GoldenTests.index)
        let second = first.upperBound..<buffer.count
        #expect(buffer.withBytes(first) { String(decoding: $0, as: UTF8.self) } == Examples.book)
        #expect(buffer.withBytes(second) { String(decoding: $0, as: UTF8.self) } == Examples.index)
        buffer.removeAll()
        #expect(buffer.count == 0)
    }
}
