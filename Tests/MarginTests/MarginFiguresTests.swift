import Margin
import Testing

@Suite("Figures of one account")
struct MarginFiguresTests {
    let parameters = MarginParameters()

    /// An account with this initial and maintenance excess and a scale S of 100.
    private func figures(
        initial: Double, maintenance: Double, equity: Double = 1_000
    ) -> MarginFigures {
        MarginFigures(
            equity: equity,
            collateral: MarginPair(initial: initial + 125, maintenance: maintenance + 100),
            debts: .zero, requirement: MarginPair(initial: 125, maintenance: 100))
    }

    @Test func theScaleIsTheMaintenanceRequirementAndATenthOfDebts() {
        let figures = MarginFigures(
            equity: 0, collateral: .zero, debts: MarginPair(initial: 60, maintenance: 50),
            requirement: MarginPair(initial: 125, maintenance: 100))
        #expect(figures.scale(parameters) == 105)
    }

    /// The lines, from both sides: S is 100, so that the warning begins below 25.
    @Test(arguments: [
        (25.0, 100.0, 1.0, MarginStatus.healthy), (24.99, 100, 1, .warning), (0, 100, 1, .warning),
        (-0.01, 100, 1, .marginCall), (-10, 0, 1, .marginCall), (-10, -0.01, 1, .liquidation),
        (-10, -5, 0, .liquidation), (-10, -5, -0.01, .bankrupt), (50, 60, -0.01, .bankrupt),
    ])
    func aNewAccountsStatusIsTheWorstLineItIsBelow(
        initial: Double, maintenance: Double, equity: Double, status: MarginStatus
    ) {
        let figures = figures(initial: initial, maintenance: maintenance, equity: equity)
        #expect(figures.status(after: .healthy, parameters) == status)
    }

    /// A worse status is left only 0.02·S = 2 beyond its line.
    @Test(arguments: [
        (MarginStatus.warning, 26.99, 100.0, 1_000.0, MarginStatus.warning),
        (.warning, 27, 100, 1_000, .healthy), (.marginCall, 1.99, 100, 1_000, .marginCall),
        (.marginCall, 2, 100, 1_000, .warning), (.marginCall, 26.99, 100, 1_000, .warning),
        (.marginCall, 27, 100, 1_000, .healthy), (.liquidation, -10, 1.99, 1_000, .liquidation),
        (.liquidation, -10, 2, 1_000, .marginCall), (.liquidation, 1.99, 20, 1_000, .marginCall),
        (.bankrupt, -10, -5, 1.99, .bankrupt), (.bankrupt, -10, -5, 2, .liquidation),
        (.bankrupt, 27, 100, 2, .healthy), (.healthy, 25, 100, 1_000, .healthy),
    ])
    func aWorseStatusIsLeftOnlyBeyondItsLine(
        previous: MarginStatus, initial: Double, maintenance: Double, equity: Double,
        status: MarginStatus
    ) {
        let figures = figures(initial: initial, maintenance: maintenance, equity: equity)
        #expect(figures.status(after: previous, parameters) == status)
    }

    @Test func aBetterStatusIsHeldByNothingOfAWorseOne() {
        // A warning has not been a margin call, so the call's line is at 0.
        let figures = figures(initial: 1, maintenance: 50)
        #expect(figures.status(after: .warning, parameters) == .warning)
    }

    @Test func anUnpricedDebtIsAtLeastAMarginCall() {
        var figures = figures(initial: 1_000, maintenance: 1_000)
        figures.hasUnpricedDebt = true
        #expect(figures.status(after: .healthy, parameters) == .marginCall)
        figures.collateral.maintenance = 0
        #expect(figures.status(after: .healthy, parameters) == .liquidation)
    }

    @Test func anEmptyAccountIsHealthyAndHasNoRatio() {
        #expect(MarginFigures.zero.status(after: .healthy, parameters) == .healthy)
        #expect(MarginFigures.zero.status(after: .liquidation, parameters) == .healthy)
        #expect(MarginFigures.zero.marginRatio == nil)
    }

    @Test func theRatioIsOneWhereTheMaintenanceExcessIsZero() {
        let figures = MarginFigures(
            equity: 10, collateral: MarginPair(initial: 80, maintenance: 90),
            debts: MarginPair(initial: 60, maintenance: 50), optionMarks: 10,
            requirement: MarginPair(initial: 62.5, maintenance: 50))
        #expect(figures.excess.maintenance == 0)
        #expect(figures.marginRatio == 1)
    }

    @Test func whereNothingStandsAgainstTheDebtThereIsNoRatio() {
        let figures = MarginFigures(
            equity: -10, collateral: MarginPair(initial: 10, maintenance: 10), debts: .zero,
            optionMarks: -10)
        #expect(figures.marginRatio == nil)
    }
}
