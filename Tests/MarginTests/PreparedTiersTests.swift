import Haircuts
import Margin
import Quantities
import TestSupport
import Testing

@Suite("Tiers")
struct PreparedTiersTests {
    let prepared = PreparedTiers(
        tiers(
            (to: "100", initial: 0.1, maintenance: 0.05),
            (to: "300", initial: 0.4, maintenance: 0.2)))

    /// Value held → what it counts, at both sides of each bound.
    @Test(arguments: [
        (0.0, 0.0, 0.0), (50, 45, 47.5), (100, 90, 95), (101, 90.6, 95.8), (300, 210, 255),
        (301, 210, 255), (1e9, 210, 255),
    ])
    func eachSliceOfAHoldingCountsAtItsOwnTier(
        value: Double, initial: Double, maintenance: Double
    ) {
        let collateral = prepared.collateral(of: value)
        #expect(agree(collateral.initial, initial) && agree(collateral.maintenance, maintenance))
    }

    @Test(arguments: [(50.0, 55.0, 52.5), (100, 110, 105), (300, 390, 345), (600, 990, 945)])
    func aDebtCountsItsValueAndTheAverageHaircutAtThatValue(
        value: Double, initial: Double, maintenance: Double
    ) {
        let debt = prepared.debt(of: value)
        #expect(agree(debt.initial, initial) && agree(debt.maintenance, maintenance))
        let average = prepared.averageHaircut(at: value)
        #expect(agree(debt.initial, value * (1 + average.initial)))
        #expect(agree(debt.maintenance, value * (1 + average.maintenance)))
    }

    @Test func aDebtOfNothingHasTheFirstTiersHaircut() {
        #expect(prepared.averageHaircut(at: 0).maintenance == 1 - 0.95)
    }

    @Test func theValuationCurrencyCountsInFull() {
        #expect(
            PreparedTiers.full.collateral(of: 1e9) == MarginPair(initial: 1e9, maintenance: 1e9))
        #expect(PreparedTiers.full.debt(of: 5) == MarginPair(initial: 5, maintenance: 5))
    }

    @Test func aTableWithoutTiersCountsNothing() {
        #expect(PreparedTiers([]).collateral(of: 100) == .zero)
    }

    @Test func pastItsValidityEachTiersInitialHaircutIsAtLeastTheFallback() {
        let late = PreparedTiers(
            tiers(
                (to: "100", initial: 0.1, maintenance: 0.05),
                (to: "300", initial: 0.4, maintenance: 0.2)), leastInitial: 0.3)
        #expect(agree(late.collateral(of: 100).initial, 70))
        #expect(agree(late.collateral(of: 300).initial, 190))
        #expect(agree(late.collateral(of: 300).maintenance, 255))
    }

    @Test func aRiseOfTheMaintenanceHaircutTakesTheInitialOneAlongWhereItIsOvertaken() {
        let raised = prepared.raised(by: 0.1)
        #expect(agree(raised.collateral(of: 100).maintenance, 85))
        #expect(agree(raised.collateral(of: 100).initial, 85))
        #expect(agree(raised.collateral(of: 300).initial, 85 + 120))
        #expect(agree(raised.collateral(of: 400).maintenance, 85 + 140))
    }

    @Test func theWeightChangesAtTheKinks() {
        #expect(Array(prepared.kinks) == [100, 300])
        #expect(prepared.weight(at: 100).maintenance == 0.95)
        #expect(prepared.weight(at: 100.5).maintenance == 0.8)
        #expect(prepared.weight(at: 1e6) == .zero)
    }

    /// The lines against slices added up one by one, over random tables and values.
    @Test func theLinesAgreeWithTheSlicesOneByOne() {
        let seed: UInt64 = 0x71E2
        var random = SplitMix64(seed: seed)
        for _ in 0..<20_000 {
            let table = randomTiers(&random)
            let least = random.double(in: 0...0.5)
            let prepared = PreparedTiers(table, leastInitial: least)
            let value = random.logarithmic(in: 1...1e10)
            var slices = MarginPair.zero
            for tier in table {
                let slice = max(0, min(value, tier.to?.double ?? .infinity) - tier.from.double)
                slices.initial += slice * (1 - max(least, tier.initial.double))
                slices.maintenance += slice * (1 - tier.maintenance.double)
            }
            let collateral = prepared.collateral(of: value)
            #expect(
                abs(collateral.initial - slices.initial) <= 1e-12 * value
                    && abs(collateral.maintenance - slices.maintenance) <= 1e-12 * value,
                "seed \(seed)")
        }
    }

    /// Concave, never worth more than it is, and a debt convex and never less: what splitting and
    /// adding relies on.
    @Test func aLargerHoldingCountsMoreInAllAndLessInEachPart() {
        let seed: UInt64 = 0x71E3
        var random = SplitMix64(seed: seed)
        for _ in 0..<100_000 {
            let prepared = PreparedTiers(randomTiers(&random))
            let low = random.logarithmic(in: 1...1e10)
            let high = low * random.double(in: 1...10)
            let (a, b) = (prepared.collateral(of: low), prepared.collateral(of: high))
            let slack = 1e-12 * high
            #expect(b.maintenance >= a.maintenance - slack, "seed \(seed)")
            #expect(b.initial <= b.maintenance + slack && b.maintenance <= high, "seed \(seed)")
            #expect(b.maintenance / high <= a.maintenance / low + 1e-12, "seed \(seed)")
            let both = prepared.collateral(of: low + high)
            #expect(both.maintenance <= a.maintenance + b.maintenance + slack, "seed \(seed)")
        }
    }
}

/// Tiers as `TierSchedule` makes them: weights that do not increase, initial at most maintenance.
func randomTiers(_ random: inout SplitMix64) -> [HaircutTier] {
    var tiers: [HaircutTier] = []
    var from = FixedDecimal.zero
    var bound = random.logarithmic(in: 100...1e6).rounded(.up)
    var (initial, maintenance) = (0.0, 0.0)
    for _ in 0..<7 {
        maintenance = min(1, maintenance + random.double(in: 0...0.15))
        initial = min(1, max(initial, maintenance) + random.double(in: 0...0.05))
        let to = FixedDecimal(Int(bound))
        tiers.append(
            HaircutTier(
                from: from, to: to, initial: ratio(initial), maintenance: ratio(maintenance)))
        from = to
        bound = (bound * random.double(in: 1.5...6)).rounded(.up)
    }
    tiers.append(HaircutTier(from: from, to: nil, initial: .one, maintenance: .one))
    return tiers
}
