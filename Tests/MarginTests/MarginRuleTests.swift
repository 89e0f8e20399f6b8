import Haircuts
import Margin
import Market
import Quantities
import Testing

/// Rules of MODEL §8 on accounts small enough to check by hand. BTC counts 60 000 held and 60 060
/// owed, 4 % and 3 % off up to 100 000; USDT counts 1, 1 % and 0.5 % off; BTC may move 10 %.
@Suite("Rules of margin")
struct MarginRuleTests {
    @Test func aHoldingCountsItsValueLessTheHaircut() {
        let assessment = assess(account(["BTC": "1"]))
        #expect(assessment.figures.equity == 60_000)
        #expect(agree(assessment.figures.collateral.initial, 57_600))
        #expect(agree(assessment.figures.collateral.maintenance, 58_200))
    }

    @Test func aDebtCountsItsValueAtTheDebtPriceAndTheHaircut() {
        let assessment = assess(account(["BTC": "-1", "USD": "100000"]))
        #expect(agree(assessment.figures.equity, 39_940))
        #expect(agree(assessment.figures.debts.initial, 60_060 * 1.04))
        #expect(agree(assessment.figures.debts.maintenance, 60_060 * 1.03))
    }

    @Test func theValuationCurrencyCountsInFullHeldOrOwed() {
        #expect(
            assess(account(["USD": "5"])).figures.excess == MarginPair(initial: 5, maintenance: 5))
        #expect(
            assess(account(["USD": "-5"])).figures.excess
                == MarginPair(initial: -5, maintenance: -5))
    }

    @Test func aGainJoinsTheSettlementBalanceAndIsHaircutWithIt() {
        let gain = perpetual("BTC", "10", at: "59060", settlement: "USDT")
        let assessment = assess(account(["USDT": "90000"], positions: [gain]))
        #expect(agree(assessment.assets[0].quantity, 100_000))
        #expect(agree(assessment.figures.collateral.maintenance, 99_500))
    }

    @Test func aLossBeyondTheBalanceIsADebt() {
        let loss = perpetual("BTC", "1", at: "61060", settlement: "USDT")
        let assessment = assess(account(["USDT": "400"], positions: [loss]))
        #expect(agree(assessment.assets[0].quantity, -600))
        #expect(agree(assessment.figures.debts.maintenance, 603))
    }

    @Test func aLossOfAnInverseContractTakesCoins() {
        let loss = perpetual("BTC", "-1000", at: "30030", contract: .inverse, multiplier: "60.06")
        let assessment = assess(account(["BTC": "3"], positions: [loss]))
        // 60 060·(1/30 030 − 1/60 060) = 1 coin lost.
        #expect(agree(assessment.assets[0].quantity, 2))
    }

    @Test func aLongRisksTheFallAndAShortTheRise() {
        let long = assess(account(positions: [perpetual("BTC", "1", at: "60060")]))
        #expect(agree(long.figures.requirement.maintenance, 6_006))
        #expect(long.risk[0].scenario == RiskScenario(price: -1, volatility: .up))
        let short = assess(account(positions: [perpetual("BTC", "-1", at: "60060")]))
        #expect(agree(short.figures.requirement.maintenance, 60_060 * 0.1 / 0.9))
        #expect(short.risk[0].scenario == RiskScenario(price: 1, volatility: .up))
    }

    @Test func theInitialRequirementIsAQuarterMore() {
        let figures = assess(account(positions: [perpetual("BTC", "1", at: "60060")])).figures
        #expect(agree(figures.requirement.initial, 1.25 * figures.requirement.maintenance))
    }

    @Test func aLargerNetDeltaRisksAWiderRange() {
        // 9·60 060 = 540 540, at 0.4895 of the way from 100 000 to a million.
        let figures = assess(account(positions: [perpetual("BTC", "9", at: "60060")])).figures
        let range = 0.1 + 0.04 * (540_540.0 - 100_000) / 900_000
        #expect(agree(figures.requirement.maintenance, 540_540 * range))
    }

    @Test func positionsInOneUnderlyingOffsetEachOther() {
        let hedged = assess(
            account(positions: [
                perpetual("BTC", "1", at: "60060"),
                future("BTC", "-1", at: "60060", expiry: moment(86_400)),
            ]))
        #expect(agree(hedged.figures.requirement.maintenance, 0))
    }

    @Test func underlyingsDoNotOffsetEachOther() {
        let other = table(
            "ETH", price: "3000", tiers: tiers((to: "100000", initial: 0.05, maintenance: 0.04)))
        let one = account(positions: [
            perpetual("BTC", "1", at: "60060"), perpetual("ETH", "-20", at: "3000"),
        ])
        let both = assess(one, in: markets(other))
        #expect(agree(both.figures.requirement.maintenance, 6_006 + 60_000 * 0.1 / 0.9))
    }

    @Test func spotCollateralDoesNotOffsetAShort() {
        let alone = assess(account(positions: [perpetual("BTC", "-1", at: "60060")]))
        let covered = assess(
            account(["BTC": "1"], positions: [perpetual("BTC", "-1", at: "60060")]))
        #expect(covered.figures.requirement == alone.figures.requirement)
    }

    @Test func aStatedRequirementReplacesTheDerivativesPartOnly() {
        let stated = StatedRequirement(initial: decimal("900"), maintenance: decimal("700"))
        let assessment = assess(
            account(
                ["BTC": "1", "USDT": "-1000"], positions: [perpetual("BTC", "1", at: "60060")],
                requirement: stated))
        #expect(assessment.figures.requirement == MarginPair(initial: 900, maintenance: 700))
        #expect(agree(assessment.figures.debts.maintenance, 1_005))
        #expect(agree(assessment.figures.collateral.maintenance, 58_200))
        #expect(assessment.reasons == .statedRequirement)
    }

    // What is not known

    @Test func anUnknownAssetCountsNothingWhereHeld() {
        let assessment = assess(account(["DOGE": "1000", "USD": "10"]))
        #expect(assessment.figures.equity == 10)
        #expect(assessment.reasons == .unknownAsset)
        #expect(assessment.figures.status(after: .healthy, margin.parameters) == .healthy)
    }

    @Test func anUnknownAssetOwedIsAtLeastAMarginCall() {
        let assessment = assess(account(["DOGE": "-1", "USD": "1000000"]))
        #expect(assessment.reasons == .unpriced)
        #expect(assessment.figures.status(after: .healthy, margin.parameters) == .marginCall)
    }

    @Test(
        arguments: [
            (perpetual("PEPE", "-1000", at: "12"), 12_000.0),
            (perpetual("PEPE", "1000", at: "12", contract: .inverse, multiplier: "5"), 5_000.0),
            (option(.put, "PEPE", "2", strike: "300", expiry: moment(86_400)), 600.0),
        ] as [(Position, Double)])
    func anUnknownUnderlyingRisksTheFullNotional(position: Position, notional: Double) {
        let assessment = assess(account(["USD": "1"], positions: [position]))
        #expect(assessment.figures.requirement.maintenance == notional)
        #expect(assessment.figures.equity == 1)
        #expect(assessment.reasons == .unknownUnderlying)
    }

    // Validity

    @Test func atItsValidityATableCountsAndPastItTheFallbackDoes() {
        let onTime = assess(account(["BTC": "1"]), at: moment(30))
        #expect(agree(onTime.figures.collateral.initial, 57_600))
        #expect(onTime.reasons == [])
        let late = assess(account(["BTC": "1"]), at: moment(30).advanced(byNanoseconds: 1))
        #expect(agree(late.figures.collateral.initial, 60_000 * 0.7))
        #expect(late.reasons == .staleData)
    }

    @Test func staleDataChangesNoMaintenance() {
        let one = account(["BTC": "1", "USDT": "-40000"])
        let onTime = assess(one, at: moment(30)).figures
        let late = assess(one, at: moment(3_600)).figures
        #expect(onTime.excess.maintenance == late.excess.maintenance)
        #expect(late.excess.initial < onTime.excess.initial)
        #expect(onTime.equity == late.equity)
    }

    // Owners

    @Test func accountsOfOneOwnerCountAsOneAndShareTheLossInProportion() {
        let both = assessOwner(
            account(["BTC": "1"], named: "A-1"), account(["BTC": "3"], named: "A-2"), in: markets())
        let one = assess(account(["BTC": "4"]))
        let sum = both[0].figures.collateral.maintenance + both[1].figures.collateral.maintenance
        #expect(agree(sum, one.figures.collateral.maintenance))
        #expect(
            agree(
                3 * both[0].figures.collateral.maintenance,
                both[1].figures.collateral.maintenance))
    }

    @Test func debtsOfOneOwnerAreEachAccountsOwn() {
        let both = assessOwner(
            account(["BTC": "1"], named: "A-1"), account(["BTC": "-1"], named: "A-2"), in: markets()
        )
        let apart = assess(account(["BTC": "1"]))
        #expect(both[0].figures == apart.figures)
        #expect(agree(both[1].figures.debts.maintenance, 60_060 * 1.03))
    }

    // Publishing

    @Test func moneyIsRoundedAgainstTheAccount() {
        let assessment = assess(
            account(
                ["BTC": "0.000001", "USDT": "-0.001"],
                positions: [perpetual("BTC", "-0.0000001", at: "60060.05")]))
        let published = assessment.requirement(
            time: moment(1), sequence: 7, status: .healthy, cause: .timer(moment(1)))
        // 0.06 held counts 0.0576 and 0.0582; the gain of 5e-9 is nothing; −0.001 owed.
        #expect(published.collateral.initial == decimal("0.05"))
        #expect(published.collateral.maintenance == decimal("0.05"))
        #expect(published.requirement.maintenance == decimal("0.01"))
        #expect(published.equity == decimal("0.05"))
        #expect(published.assets[1].asset == id("USD"))
        #expect(published.assets[2].value == decimal("-0.01"))
        #expect(published.assets[0].haircutLoss.maintenance == decimal("0.01"))
        #expect(published.sequence == 7 && published.positionsSequence == 1)
    }

    @Test func anExcessAHairBelowItsLineIsPublishedBelowIt() {
        let assessment = assess(account(["USD": "100", "USDT": "-99.503"]))
        #expect(assessment.figures.excess.maintenance < 0)
        #expect(assessment.figures.excess.maintenance > -0.01)
        let published = assessment.requirement(
            time: moment(), sequence: 1, status: .liquidation, cause: .timer(moment()))
        #expect(published.excess.maintenance == decimal("-0.01"))
        #expect(assessment.shortfall.maintenance == decimal("0.01"))
    }

    @Test func assetsAndUnderlyingsComeInOrderOfTheirNames() {
        let assessment = assess(
            account(
                ["USDT": "1", "BTC": "1", "AAA": "1"],
                positions: [perpetual("ZZZ", "1", at: "1"), perpetual("BTC", "1", at: "1")]))
        #expect(assessment.assets.map(\.asset) == ["AAA", "BTC", "USD", "USDT"].map(id))
        #expect(assessment.risk.map(\.underlying) == ["BTC", "ZZZ"].map(id))
    }

    @Test func anAccountOfTenThousandPositionsIsAssessed() {
        let positions = (0..<10_000).map { number in
            var position = perpetual("BTC", number % 2 == 0 ? "1" : "-1", at: "60060")
            position.instrument = id("I-\(number)")
            return position
        }
        let assessment = assess(account(positions: positions))
        #expect(agree(assessment.figures.requirement.maintenance, 0))
    }

    @Test func figuresBeyondWhatAMessageCanSayAreHeldAtTheLargest() {
        let assessment = assess(account(["BTC": "900000000000000000"]))
        let published = assessment.requirement(
            time: moment(), sequence: 1, status: .healthy, cause: .timer(moment()))
        #expect(published.equity == decimal("999999999999999999.999999999999999999"))
    }
}
