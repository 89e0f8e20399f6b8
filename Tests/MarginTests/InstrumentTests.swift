import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

@Suite("Derivatives")
struct InstrumentTests {
    let model = InstrumentModel(parameters: MarginParameters())
    let inAMonth = moment(30 * 86_400)

    /// BTC with R = 60 000, a forward of 60 000 in 7 and 60 days, and ranges of 10 % to 14 %.
    func bitcoinMarket(volatility: Double? = 0.6, forward: String = "60000") -> AssetMarket {
        AssetMarket(
            bitcoin(price: "60000", debtPrice: "60000"),
            surface: volatility.map { flatSurface(forward: forward, volatility: $0) })
    }

    func valued(
        _ position: Position, in market: AssetMarket?
    ) -> (value: InstrumentValue, array: [Double]) {
        var array: [Double] = []
        let value = model.value(of: Instrument(position), in: market, appendingTo: &array)
        return (value, array)
    }

    func mark(_ position: Position, in market: AssetMarket) -> Double {
        position.quantity.double * valued(position, in: market).value.level - position.entryAmount
    }

    // Marks

    @Test(arguments: [
        (Position.Contract.linear, "2", "1", "59000", 2_000.0),
        (.linear, "-2", "1", "59000", -2_000), (.linear, "2", "0.1", "61000", -200),
        (.inverse, "100", "10", "50000", 1_000 * (1.0 / 50_000 - 1.0 / 60_000)),
        (.inverse, "-100", "10", "50000", -1_000 * (1.0 / 50_000 - 1.0 / 60_000)),
    ])
    func aPerpetualIsMarkedAtTheReference(
        contract: Position.Contract, quantity: String, multiplier: String, entry: String,
        mark wanted: Double
    ) {
        let position = perpetual(
            "BTC", quantity, at: entry, contract: contract, multiplier: multiplier)
        #expect(agree(mark(position, in: bitcoinMarket()), wanted))
    }

    @Test func aFutureIsMarkedAtTheForwardOfItsExpiryElseAtTheReference() {
        let surface = PreparedSurface(
            Surface(
                asset: id("BTC"), time: moment(), sequence: 1,
                expiries: [(10, "61000"), (20, "63000")].map { days, forward in
                    Surface.Expiry(
                        expiry: moment(Int64(days) * 86_400), forward: decimal(forward),
                        smile: .grid(strikes: [decimal("60000")], volatilities: [0.6]))
                }))
        let market = AssetMarket(bitcoin(), surface: surface)
        let position = future("BTC", "1", at: "60000", expiry: moment(15 * 86_400))
        #expect(agree(mark(position, in: market), 2_000))
        let bare = AssetMarket(bitcoin(price: "60000", debtPrice: "60000"), surface: nil)
        #expect(agree(mark(position, in: bare), 0))
    }

    @Test func anOptionsMarkIsItsPriceWhateverWasPaid() {
        let position = option(.put, "BTC", "-3", strike: "55000", expiry: inAMonth)
        let price = Black76(
            .put, forward: 60_000, strike: 55_000, years: 30.0 / 365, volatility: 0.6
        ).price
        #expect(agree(mark(position, in: bitcoinMarket()), -3 * price))
    }

    @Test func withoutASurfaceAnOptionIsPricedAtTheStressVolatility() {
        let position = option(.call, "BTC", "1", strike: "60000", expiry: inAMonth)
        let (value, _) = valued(position, in: bitcoinMarket(volatility: nil))
        let price = Black76(
            .call, forward: 60_000, strike: 60_000, years: 30.0 / 365, volatility: 1.2
        ).price
        #expect(agree(value.level, price))
        #expect(value.reasons == .stressVolatility)
    }

    // Risk arrays

    @Test func aLinearPositionGainsWhatTheScenarioMoves() {
        let (value, array) = valued(perpetual("BTC", "1", at: "1"), in: bitcoinMarket())
        #expect(value.slope == 60_000 && value.delta == 60_000)
        let (down, up) = (0.1, 0.1 / 0.9)
        let moves = [0, 0, up / 3, up / 3, -down / 3, -down / 3, up * 2 / 3, up * 2 / 3]
        let rest = [-down * 2 / 3, -down * 2 / 3, up, up, -down, -down]
        let extreme = [0.35 * 2 * up, -0.35 * 2 * down]
        for (gain, move) in zip(array[0..<16], moves + rest + extreme) {
            #expect(agree(gain, 60_000 * move))
        }
    }

    @Test func anInverseContractRisksWhatALinearOneOfTheSameNotionalDoes() {
        let linear = valued(perpetual("BTC", "1", at: "60000"), in: bitcoinMarket())
        let inverse = valued(
            perpetual("BTC", "1", at: "60000", contract: .inverse, multiplier: "60000"),
            in: bitcoinMarket())
        #expect(agree(linear.value.delta, inverse.value.delta))
        for (left, right) in zip(linear.array, inverse.array) { #expect(agree(left, right)) }
    }

    /// C − P = F − K in every scenario: the volatility cancels, at every rung.
    @Test func aCallLessAPutIsAFutureInEveryScenario() {
        let seed: UInt64 = 0xCA11
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let strike = "\(Int(random.logarithmic(in: 20_000...180_000)))"
            let expiry = moment(Int64(random.logarithmic(in: 100...6_000_000)))
            let market = bitcoinMarket(
                volatility: random.logarithmic(in: 0.05...3),
                forward: "\(Int(random.double(in: 50_000...70_000)))")
            let call = valued(option(.call, "BTC", "1", strike: strike, expiry: expiry), in: market)
            let put = valued(option(.put, "BTC", "1", strike: strike, expiry: expiry), in: market)
            let forward = valued(future("BTC", "1", at: strike, expiry: expiry), in: market)
            #expect(
                abs(
                    call.value.level - put.value.level
                        - (forward.value.level - decimal(strike).double)) < 1e-7, "seed \(seed)")
            #expect(abs(call.value.delta - put.value.delta - 60_000) < 1e-7, "seed \(seed)")
            for index in call.array.indices {
                let difference = call.array[index] - put.array[index]
                #expect(abs(difference - forward.array[index]) < 1e-7, "seed \(seed)")
            }
        }
    }

    /// The buyer of an option loses at most what it is worth; volatility up is never worse for
    /// him than volatility down.
    @Test func aLongOptionRisksNoMoreThanItsMark() {
        let seed: UInt64 = 0x10E6
        var random = SplitMix64(seed: seed)
        for _ in 0..<10_000 {
            let strike = "\(Int(random.logarithmic(in: 20_000...180_000)))"
            let expiry = moment(Int64(random.logarithmic(in: 100...6_000_000)))
            let right: OptionRight = random.next() & 1 == 0 ? .call : .put
            let market = bitcoinMarket(volatility: random.logarithmic(in: 0.05...3))
            let (value, array) = valued(
                option(right, "BTC", "1", strike: strike, expiry: expiry), in: market)
            for gain in array { #expect(gain >= -value.level - 1e-7, "seed \(seed)") }
            for pair in 0..<7 {
                #expect(array[2 * pair] >= array[2 * pair + 1] - 1e-7, "seed \(seed)")
            }
        }
    }

    /// Four at a time against one at a time, over everything an option can be.
    @Test func pricesOfFourAgreeWithPricesOfOne() {
        let seed: UInt64 = 0xB76
        var random = SplitMix64(seed: seed)
        for _ in 0..<100_000 {
            let strike = random.logarithmic(in: 0.01...1e6)
            let right: Black76.Right = random.next() & 1 == 0 ? .call : .put
            var (forwards, deviations) = (SIMD4<Double>(), SIMD4<Double>())
            for lane in 0..<4 {
                forwards[lane] = strike * random.logarithmic(in: 1e-3...1e3)
                deviations[lane] = random.logarithmic(in: 1e-4...5)
            }
            var logs = SIMD4<Double>()
            for lane in 0..<4 { logs[lane] = logarithm(forwards[lane] / strike) }
            let prices = Black76.prices(
                right, strike: strike, forwards: forwards, logMoneyness: logs,
                deviations: deviations)
            for lane in 0..<4 {
                let one = Black76(
                    right, forward: forwards[lane], strike: strike, years: 1,
                    volatility: deviations[lane])
                #expect(
                    abs(prices[lane] - one.price) <= 1e-11 * min(strike, forwards[lane]),
                    "seed \(seed)")
            }
        }
    }

    /// Days to expiry → multipliers of volatility up and down.
    @Test(arguments: [
        (0.01, 2.38710, 0.30645), (1, 2.38710, 0.30645), (30, 1.5, 0.75), (365, 1.23627, 0.88186),
    ])
    func volatilitiesMoveMoreTheNearerTheExpiry(days: Double, up: Double, down: Double) {
        let factors = model.volatilityFactors(years: days / 365)
        #expect(abs(factors.up - up) < 2e-5 && abs(factors.down - down) < 2e-5)
    }

    @Test func aShortOptionIsChargedHalfAPercentOfItsNotional() {
        let short = option(.call, "BTC", "-1", strike: "60000", expiry: inAMonth)
        let (value, _) = valued(short, in: bitcoinMarket())
        #expect(value.shortCharge == 300)
        let long = assess(
            account(positions: [option(.call, "BTC", "1", strike: "200000", expiry: inAMonth)]))
        // Far from the money there is next to nothing to lose.
        #expect(long.figures.requirement.maintenance < 20)
        let sold = assess(
            account(positions: [option(.call, "BTC", "-1", strike: "200000", expiry: inAMonth)]))
        #expect(sold.figures.requirement.maintenance >= 300)
    }

    // Expiry

    @Test func anInstrumentSettlesAtTheFirstReferenceAtOrAfterItsExpiryAndKeepsIt() {
        let expiry = moment(100)
        let call = option(.call, "BTC", "1", strike: "50000", expiry: expiry)
        var tables = MarketTables(valuationCurrency: dollar)
        tables.watch([call])
        func value() -> (level: Double, isSettled: Bool) {
            let value = valued(call, in: tables[id("BTC")]).value
            return (value.level, value.isSettled)
        }
        tables.apply(bitcoin(price: "60000", debtPrice: "60000", time: moment(99)))
        #expect(value().isSettled == false)
        tables.apply(bitcoin(price: "61000", debtPrice: "61000", time: moment(100)))
        #expect(value() == (11_000, true))
        tables.apply(bitcoin(price: "40000", debtPrice: "40000", time: moment(101)))
        #expect(value() == (11_000, true))
    }

    @Test func anInstrumentFirstSeenAfterItsExpirySettlesAtTheReferenceThen() {
        let put = option(.put, "BTC", "1", strike: "65000", expiry: moment(-10))
        var tables = markets()
        tables.watch([put])
        tables.apply(bitcoin(price: "10000", debtPrice: "10000", time: moment(5)))
        #expect(valued(put, in: tables[id("BTC")]).value.level == 65_000 - 60_060)
    }

    @Test func whatHasExpiredRisksNothing() {
        let assessment = assess(
            account(positions: [
                option(.put, "BTC", "-1", strike: "65000", expiry: moment(-10)),
                future("BTC", "-5", at: "61000", expiry: moment(-10)),
            ]))
        #expect(assessment.figures.requirement == .zero)
        #expect(assessment.reasons == .expired)
        #expect(agree(assessment.figures.optionMarks, -(65_000 - 60_060)))
        #expect(agree(assessment.assets[0].quantity, 5 * (61_000 - 60_060)))
    }
}

private func logarithm(_ value: Double) -> Double {
    // By the identity the product relies on: ln x = 2 artanh((x − 1)/(x + 1)), halved until small.
    var x = value
    var halvings = 0
    while abs(x - 1) > 1e-3 {
        x = x.squareRoot()
        halvings += 1
    }
    let t = (x - 1) / (x + 1)
    let t2 = t * t
    let series = 2 * t * (1 + t2 * (1 / 3.0 + t2 * (1 / 5.0 + t2 / 7)))
    return series * Double(1 << halvings)
}
