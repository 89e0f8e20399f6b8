import Haircuts
import Margin
import Quantities
import TestSupport
import Testing

@Suite("Scan ranges")
struct ScanLadderTests {
    let ladder = ScanLadder(
        scan((notional: "100", down: 0.1), (notional: "300", down: 0.2)))

    @Test(arguments: [
        (0.0, 0.1), (100, 0.1), (-100, 0.1), (150, 0.125), (200, 0.15), (-250, 0.175), (300, 0.2),
        (1e9, 0.2),
    ])
    func anAccountsRangeIsLinearInItsNetDeltaBetweenGridPoints(notional: Double, down: Double) {
        let range = ladder.range(of: notional)
        #expect(agree(range.down, down))
        let (low, high) = (0.1 / 0.9, 0.2 / 0.8)
        #expect(agree(range.up, low + (high - low) * (down - 0.1) / 0.1))
    }

    @Test func neighbouringRungsAreAtMostTwoAndAHalfPointsApart() {
        #expect(ladder.count == 5)
        for (low, high) in zip(ladder.downs, ladder.downs.dropFirst()) {
            #expect(high - low <= ScanLadder.widestStep + 1e-12)
        }
        #expect(ScanLadder(scan((notional: "1", down: 0.1), (notional: "2", down: 0.1))).count == 2)
    }

    @Test func thereAreSixteenScenarios() {
        #expect(ScanScenarios.all.count == ScanScenarios.count)
        #expect(Set(ScanScenarios.all).count == ScanScenarios.count)
    }

    @Test func noScenarioTakesAPriceToZero() {
        let wide = ScanLadder(scan((notional: "1", down: 0.7)))
        #expect(wide.factors.allSatisfy { $0 > 0 })
        #expect(wide.factors[15] == ScanLadder.leastFactor)
    }

    @Test func withoutRangesEverythingIsAtRisk() {
        #expect(ScanLadder([]).range(of: 5).down == 1)
    }

    /// Between rungs an option's array is interpolated; against the exact range that costs half a
    /// percent of the notional at worst, and 0.03 % as a rule.
    @Test func interpolatedArraysAreCloseToExactOnes() {
        let seed: UInt64 = 0x5CA9
        var random = SplitMix64(seed: seed)
        let model = InstrumentModel(parameters: MarginParameters())
        var squares = (sum: 0.0, count: 0.0)
        for _ in 0..<500 {
            let (low, high) = (random.double(in: 0.03...0.2), random.double(in: 0.2...0.5))
            let between = random.double(in: 100...300)
            let ladder = scan((notional: "100", down: low), (notional: "300", down: high))
            var table = bitcoin()
            table.scan = ladder
            let market = AssetMarket(table, surface: flatSurface())
            let range = market.haircuts.scan.range(of: between)
            table.scan = [ScanRange(notional: decimal("100"), down: range.down, up: range.up)]
            let exactMarket = AssetMarket(table, surface: flatSurface())
            let position = option(
                .put, "BTC", "-1", strike: "\(Int(random.double(in: 45_000...70_000)))",
                expiry: moment(Int64(random.logarithmic(in: 86_400...5e6))))
            var (array, exact): ([Double], [Double]) = ([], [])
            _ = model.value(of: Instrument(position), in: market, appendingTo: &array)
            let value = model.value(of: Instrument(position), in: exactMarket, appendingTo: &exact)
            let (rung, fraction) = market.haircuts.scan.place(of: between)
            for scenario in 0..<ScanScenarios.count {
                let low = array[rung * 16 + scenario]
                let high = fraction > 0 ? array[(rung + 1) * 16 + scenario] : low
                let error = abs(low + fraction * (high - low) - exact[scenario])
                #expect(error < 0.005 * value.notional, "seed \(seed)")
                let part = error / value.notional
                squares = (squares.sum + part * part, squares.count + 1)
            }
        }
        #expect((squares.sum / squares.count).squareRoot() < 0.0003)
    }
}
