import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// Whatever a decoder lets in, what comes out is a number in its range.
struct ExtremeInputTests {
    static let states = 100_000
    static let seed: UInt64 = 20_220_512

    /// A price of a book or an index: 1e-18, 1e17 or between.
    static func price(_ random: inout SplitMix64) -> FixedDecimal {
        switch random.next() % 8 {
        case 0: FixedDecimal(units: 1)
        case 1: FixedDecimal(100_000_000_000_000_000)
        default: decimal(max(1e-12, random.logarithmic(in: 1e-12...1e17)))
        }
    }

    static func size(_ random: inout SplitMix64) -> FixedDecimal {
        random.next() % 8 == 0
            ? FixedDecimal(units: 1) : decimal(random.logarithmic(in: 1e-12...1e17))
    }

    /// One bid and one ask, or a side without any; the ask up to 1e35 times the bid, which is a
    /// spread of 200 %.
    static func book(
        _ name: Identifier, _ venue: Identifier, at time: Instant, _ random: inout SplitMix64
    ) -> Quote {
        let first = price(&random)
        let second = random.next() % 3 == 0 ? price(&random) : first
        var quote = Quote(
            asset: name, venue: venue, kind: .book, time: time, sequence: time.nanoseconds,
            bids: [BookLevel(price: min(first, second), size: size(&random))],
            asks: [BookLevel(price: max(first, second), size: size(&random))])
        if random.next() % 6 == 0 { quote.bids = [] }
        if random.next() % 6 == 0 { quote.asks = [] }
        if random.next() % 2 == 0 { quote.dailyVolume = size(&random) }
        return quote
    }

    static func surface(at time: Instant, _ random: inout SplitMix64) -> Surface {
        let volatility = random.next() % 4 == 0 ? 10 : random.logarithmic(in: 1e-9...10)
        let forward = price(&random)
        let seconds = [1, 3_600, 86_400, 30 * 86_400].randomElement(using: &random) ?? 1
        let strike = price(&random)
        guard let name = Identifier("X") else { preconditionFailure("no identifier") }
        return Surface(
            asset: name, time: time, sequence: time.nanoseconds,
            expiries: [
                .init(
                    expiry: time.advanced(bySeconds: Int64(seconds)), forward: forward,
                    smile: .grid(strikes: [strike], volatilities: [volatility])),
                .init(
                    expiry: time.advanced(bySeconds: 100 * 86_400), forward: forward,
                    smile: .svi(.init(a: 9, b: 0.1, rho: -0.9, m: 0.3, sigma: 0.1))),
            ])
    }

    /// What of a table is out of its range, if anything.
    static func fault(in table: HaircutTable) -> String? {
        func isFraction(_ value: Double) -> Bool { value >= 0 && value <= 1 }
        let c = table.components
        let amounts = [
            c.volatility, c.horizonSeconds, c.spread, c.quoteAge, c.depth.double,
            c.depthBaseline.double,
        ]
        if !amounts.allSatisfy({ $0.isFinite && $0 >= 0 }) { return "an amount" }
        let fractions = [
            c.market, c.liquidity, c.peg, c.divergence, c.confidence, table.confidence,
            table.target.initial, table.target.maintenance, table.gap.initial,
            table.gap.maintenance,
        ]
        if !fractions.allSatisfy(isFraction) { return "a fraction" }
        if table.target.maintenance > table.target.initial { return "the targets' order" }
        if !table.scan.allSatisfy({ $0.down > 0 && $0.down < 1 && $0.up > 0 && $0.up.isFinite }) {
            return "a scan range"
        }
        if !table.tiers.allSatisfy({ $0.maintenance >= .zero && $0.initial <= .one }) {
            return "a tier"
        }
        if !table.tiers.allSatisfy({ $0.maintenance <= $0.initial }) { return "a tier's order" }
        if table.price > table.debtPrice || table.price < .zero { return "a price" }
        return nil
    }

    /// 200 assets, 500 steps each: books, indices and surfaces, seconds to days apart.
    @Test(arguments: AssetClass.allCases)
    func noExtremeLeavesItsRange(_ assetClass: AssetClass) throws {
        var random = SplitMix64(seed: Self.seed)
        let name = try #require(Identifier("X"))
        let venues = try ["house", "b", "c"].map { try #require(Identifier($0)) }
        var tables = 0
        for number in 0..<(Self.states / 500) {
            var asset = AssetHaircuts(
                AssetConfiguration(
                    asset: name, assetClass: assetClass, primaryVenue: venues[0],
                    dailyVolume: Self.size(&random), depthReference: Self.size(&random),
                    systemCollateral: random.next() % 4 == 0 ? .zero : Self.size(&random),
                    parameters: HaircutParameters(assetClass), parametersHash: "sha256:0"))
            var time = now
            for step in 0..<500 {
                let seconds = random.logarithmic(in: 0.1...200_000)
                time = time.advanced(byNanoseconds: Int64(seconds * 1e9))
                let venue = venues[Int(random.next() % 3)]
                switch random.next() % 4 {
                case 0:
                    _ = asset.receive(
                        Quote(
                            asset: name, venue: venue, kind: .index, time: time,
                            sequence: time.nanoseconds, price: Self.price(&random)), at: time)
                case 1:
                    // Those the gate refuses change nothing.
                    _ = try? asset.receive(Self.surface(at: time, &random), at: time)
                default:
                    _ = asset.receive(Self.book(name, venue, at: time, &random), at: time)
                }
                guard asset.evaluate(at: time, cause: .timer(time)), let table = asset.published
                else { continue }
                tables += 1
                if let fault = Self.fault(in: table) {
                    Issue.record(
                        "seed \(Self.seed), asset \(number), step \(step): \(fault) \(table)")
                    return
                }
            }
        }
        #expect(tables > Self.states / 2, "\(tables)")
    }

    /// The formulas alone, with numbers no decimal holds.
    @Test func haircutsOfExtremeMarketsAreFiniteAndInOrder() {
        var random = SplitMix64(seed: Self.seed)
        func pick(_ values: [Double], _ range: ClosedRange<Double>) -> Double {
            random.next() % 3 == 0
                ? values[Int(random.next() % UInt64(values.count))] : random.logarithmic(in: range)
        }
        let models = AssetClass.allCases.map { HaircutModel(HaircutParameters($0)) }
        for index in 0..<Self.states {
            let prior = pick([1e-18, 1e35], 1e-18...1e35)
            let market = MarketState(
                mid: pick([1e-18, 1e17], 1e-18...1e17),
                reference: pick([1e-18, 1e17], 1e-18...1e17), spread: pick([0, 2], 1e-12...2),
                spreadDeviation: pick([0, 2], 1e-12...2), depth: pick([0, 1e35], 1e-18...1e35),
                depthPrior: prior, depthBaseline: max(prior, pick([1e35], 1e-18...1e35)),
                dailyVolume: pick([1e-36, 1e35], 1e-36...1e35),
                systemCollateral: pick([0, 1e35], 1e-18...1e35),
                quoteAgeSeconds: pick([0, 1e9], 1e-9...1e9), confidence: random.double(in: 0...1),
                volatilityFast: random.next() % 2 == 0 ? nil : pick([0, 1e6], 1e-9...1e6),
                volatilitySlow: random.next() % 2 == 0 ? nil : pick([0, 1e6], 1e-9...1e6))
            let model = models[index % 3]
            let curve =
                random.next() % 2 == 0 ? VolatilityCurve() : flatCurve(pick([10], 1e-9...10))
            let shared = model.shared(market, curve: curve)
            let out = model.haircut(
                notional: random.logarithmic(in: 1...1e12), market: market, shared: shared,
                curve: curve)
            let fractions = [
                out.market, out.liquidity, out.target, out.initial, out.maintenance, out.scanDown,
            ]
            let isRight =
                fractions.allSatisfy { $0 >= 0 && $0 <= 1 } && out.maintenance <= out.initial
                && out.scanUp.isFinite && out.volatility.isFinite && out.volatility > 0
                && out.horizonSeconds >= 900 && out.horizonSeconds <= 60 * 86_400
            #expect(isRight, "seed \(Self.seed), state \(index): \(market) gives \(out)")
            if !isRight { return }
        }
    }
}
