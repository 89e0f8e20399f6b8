import Haircuts
import Operations
import Quantities
import Testing

@Suite struct HaircutExplanationTests {
    private var table: HaircutTable {
        var table = HaircutTable.blank
        table.sequence = 7
        table.target = Haircut(initial: 0.0625, maintenance: 0.041)
        table.gap = Haircut(initial: 0.01, maintenance: 0.007)
        table.boundBy = [.limiter, .governor]
        table.tiers = [
            HaircutTier(
                from: .zero, to: FixedDecimal(100_000), initial: Ratio(millionths: 50_000),
                maintenance: Ratio(millionths: 30_000)),
            HaircutTier(
                from: FixedDecimal(100_000), to: FixedDecimal(1_000_000),
                initial: Ratio(millionths: 100_000), maintenance: Ratio(millionths: 60_000)),
            HaircutTier(
                from: FixedDecimal(1_000_000), to: nil, initial: .one, maintenance: .one),
        ]
        table.cause = .record(topic: "market.quotes.v1", partition: 3, offset: 991)
        return table
    }

    private func text(_ notional: Double) -> String {
        HaircutExplanation(table, notional: notional).lines.joined(separator: "\n")
    }

    @Test func aHoldingIsWalkedThroughTheTiers() {
        // 100 000 at 5 % and 100 000 at 10 %: 15 000 of 200 000.
        #expect(text(200_000).contains("initial      185000.00  (haircut 7.50 %)"))
        #expect(text(200_000).contains("maintenance  191000.00  (haircut 4.50 %)"))
        #expect(!text(200_000).contains("counts nothing"))
    }

    @Test func whatIsAboveTheLastTierCountsNothing() {
        #expect(text(2_000_000).contains("initial      905000.00"))
        #expect(text(2_000_000).contains("what is above 1000000 counts nothing"))
    }

    @Test func everyBoundTheGapAndTheCauseAreNamed() {
        let text = text(1_000)
        #expect(text.contains("limiter") && text.contains("governor"))
        #expect(text.contains("below the model by 1.00 % and 0.70 %"))
        #expect(text.contains("record 991 of partition 3 of market.quotes.v1"))
    }

    @Test func aFreeTableSaysThatNothingHoldsIt() {
        var free = table
        free.boundBy = []
        free.gap = .zero
        let text = HaircutExplanation(free, notional: 1).lines.joined(separator: "\n")
        #expect(text.contains("nothing holds them away from the model"))
        #expect(!text.contains("below the model by"))
    }
}
