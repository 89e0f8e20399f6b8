import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

@Suite("Liquidation plans")
struct PlanTests {
    func plan(
        _ snapshot: AccountSnapshot, in tables: MarketTables = markets(),
        budget: TrancheBudget = TrancheBudget()
    ) -> [PlanStep] {
        var budget = budget
        return plan(snapshot, in: tables, sharing: &budget)
    }

    func plan(
        _ snapshot: AccountSnapshot, in tables: MarketTables, sharing budget: inout TrancheBudget
    ) -> [PlanStep] {
        margin.value([snapshot], at: moment(1), lookUp: { tables[$0] })
            .plan(of: 0, budget: &budget)
    }

    /// The account after a plan, each step at the cost it expects.
    func carriedOut(
        _ steps: [PlanStep], on snapshot: AccountSnapshot, in tables: MarketTables,
        part: Double = 1
    ) -> AccountSnapshot {
        var balances: [Identifier: Double] = [:]
        for balance in snapshot.balances { balances[balance.asset] = balance.quantity.double }
        var positions = snapshot.positions
        for (index, step) in steps.enumerated() {
            let part = index == steps.count - 1 ? part : 1
            let quantity = step.quantity.double * part
            guard case .sell(let asset) = step.action, let market = tables[asset] else {
                guard case .close(let instrument) = step.action else { continue }
                close(quantity, of: instrument, step, &positions, &balances, tables)
                continue
            }
            balances[asset, default: 0] -= quantity
            let proceeds = quantity * market.prices.price * (1 - step.impact - 0.001)
            let debt = balances.filter { $0.value < -1e-9 && tables[$0.key] != nil }
                .max { weight($0.key, $0.value, tables) < weight($1.key, $1.value, tables) }?.key
            let price = debt.flatMap { tables[$0] }?.prices.debtPrice ?? 1
            balances[debt ?? dollar, default: 0] += proceeds / price
        }
        var after = snapshot
        after.positions = positions
        after.balances = balances.map { Balance(asset: $0.key, quantity: exactly($0.value)) }
        return after
    }

    private func weight(_ asset: Identifier, _ quantity: Double, _ tables: MarketTables) -> Double {
        guard let market = tables[asset] else { return 0 }
        return 2
            - market.haircuts.onTime.weight(at: -quantity * market.prices.debtPrice).maintenance
    }

    private func close(
        _ quantity: Double, of instrument: Identifier, _ step: PlanStep,
        _ positions: inout [Position], _ balances: inout [Identifier: Double],
        _ tables: MarketTables
    ) {
        guard let index = positions.firstIndex(where: { $0.instrument == instrument }),
            let market = tables[positions[index].underlying]
        else { return }
        let position = positions[index]
        var array: [Double] = []
        let value = margin.instruments.value(
            of: Instrument(position), in: market, appendingTo: &array)
        let part = quantity / abs(position.quantity.double)
        let settlement = Instrument(position).settlement(valuationCurrency: dollar) ?? dollar
        balances[settlement, default: 0] +=
            part * (position.quantity.double * value.level - position.entryAmount)
        balances[dollar, default: 0] -=
            quantity * (abs(value.delta) * step.impact + value.notional * 0.001)
        positions[index].quantity = exactly(position.quantity.double * (1 - part))
    }

    private func exactly(_ value: Double) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: 12, rounding: .toNearestOrEven) ?? .zero
    }

    private func missing(_ snapshot: AccountSnapshot, in tables: MarketTables) -> Double {
        let figures: MarginFigures = assess(snapshot, in: tables).figures
        return 0.05 * figures.scale(margin.parameters) - figures.excess.maintenance
    }

    // The rule

    @Test func anAccountAboveItsLineNeedsNoPlan() {
        #expect(plan(account(["BTC": "1", "USDT": "-50000"])).isEmpty)
        // 58 200 against 57 910.4·1.005: the last cent above.
        #expect(plan(account(["BTC": "1", "USDT": "-57910.44"])).isEmpty)
        #expect(!plan(account(["BTC": "1", "USDT": "-57910.46"])).isEmpty)
    }

    @Test func aPlanSellsWhatLiftsTheExcessToATwentiethOfTheScaleAndNoMore() throws {
        let borrower = account(["BTC": "1", "USDT": "-58200"])
        let tables = markets()
        let steps = plan(borrower, in: tables)
        #expect(steps.count == 1)
        #expect(steps[0].action == .sell(asset: id("BTC")))
        #expect(steps[0].notBefore == moment(1))
        #expect(missing(carriedOut(steps, on: borrower, in: tables), in: tables) <= 1e-6)
        #expect(missing(carriedOut(steps, on: borrower, in: tables, part: 0.999), in: tables) > 0)
        let before = assess(borrower, in: tables).figures.excess.maintenance
        let after = assess(carriedOut(steps, on: borrower, in: tables), in: tables)
        #expect(abs(after.figures.excess.maintenance - before - steps[0].relief.double) < 0.02)
    }

    @Test func whereEverythingDoesNotSufficeEverythingIsSold() {
        let lost = account(["BTC": "1", "USDT": "100", "USD": "-70000"])
        let steps = plan(lost)
        let sold = Set(steps.map(\.action))
        #expect(sold == [.sell(asset: id("BTC")), .sell(asset: id("USDT"))])
        #expect(steps.first { $0.action == .sell(asset: id("BTC")) }?.quantity == .one)
    }

    @Test func theCheaperOfTwoAssetsIsSoldFirst() {
        let costly = table(
            "ALT", price: "1", tiers: tiers((to: "100000", initial: 0.04, maintenance: 0.03)),
            impact: Impact(
                halfSpread: 0.01, dailyDeviation: 0.3, volume: FixedDecimal(1_000_000)))
        let tables = markets(costly)
        let borrower = account(["BTC": "0.5", "ALT": "30000", "USD": "-58300"])
        #expect(plan(borrower, in: tables).first?.action == .sell(asset: id("BTC")))
    }

    @Test func aPositionIsClosedWhereThatGainsMore() {
        let tables = markets()
        let leveraged = account(
            ["BTC": "1", "USD": "-52500"], positions: [perpetual("BTC", "1", at: "60060")])
        let steps = plan(leveraged, in: tables)
        #expect(steps.first?.action == .close(instrument: id("BTC-PERP")))
        #expect(missing(carriedOut(steps, on: leveraged, in: tables), in: tables) <= 1e-6)
    }

    @Test func coinsThatAShortLostCannotBeSoldAgain() {
        // Two coins, one lost to the short: one is left to sell.
        let short = account(
            ["BTC": "2", "USD": "-70000"],
            positions: [
                perpetual("BTC", "-1000", at: "30030", contract: .inverse, multiplier: "60.06")
            ])
        let sold = plan(short).filter { $0.action == .sell(asset: id("BTC")) }
            .reduce(FixedDecimal.zero) { $0 + $1.quantity }
        #expect(sold <= FixedDecimal.one + decimal("0.00000001"))
    }

    @Test func anAccountOfThousandsOfPositionsHasAPlan() {
        var tables = markets()
        tables.apply(flatSurface(), of: id("BTC"))
        let positions = (0..<3_000).map { number in
            option(
                number % 3 == 0 ? .put : .call, "BTC", number % 2 == 0 ? "-0.01" : "0.01",
                strike: "\(40_000 + 13 * number)", expiry: moment(30 * 86_400))
        }
        let steps = plan(account(["BTC": "1", "USDT": "-58000"], positions: positions), in: tables)
        #expect(steps.count > 1 && steps.count <= OwnerValuation.mostPlanSteps)
    }

    // Pace

    /// A depth of 40 000 lets 10 000 go a minute.
    @Test func tranchesAreAQuarterOfTheDepthAMinuteApart() {
        var thin = bitcoin(sequence: 2)
        thin.components.depth = decimal("40000")
        let steps = plan(account(["BTC": "1", "USDT": "-60000"]), in: markets(thin))
        #expect(steps.count == 6)
        for (index, step) in steps.enumerated() {
            #expect(step.quantity.double * 60_000 <= 10_000 * (1 + 1e-6))
            #expect(step.notBefore == moment(1 + 60 * Int64(index)))
        }
    }

    @Test func withoutBidsNothingCanBeSold() {
        var empty = bitcoin(sequence: 2)
        empty.components.depth = .zero
        #expect(plan(account(["BTC": "1", "USDT": "-60000"]), in: markets(empty)).isEmpty)
    }

    @Test func aPlanHasAnEnd() {
        var thin = bitcoin(sequence: 2)
        thin.components.depth = decimal("4")
        let steps = plan(account(["BTC": "1", "USDT": "-60000"]), in: markets(thin))
        #expect(steps.count == OwnerValuation.mostPlanSteps)
    }

    @Test func aShardsShareOfTheDepthIsWhatTheTableSays() {
        var table = bitcoin(sequence: 2)
        table.components.depth = decimal("400000")
        table.shares = [0.1, 0.9]
        var tables = MarketTables(valuationCurrency: dollar, shard: 0, of: 2)
        tables.apply(table)
        tables.apply(tether())
        let steps = plan(account(["BTC": "1", "USDT": "-60000"]), in: tables)
        #expect(steps.count == 6)
        #expect(agree(steps[0].quantity.double, 10_000.0 / 60_000, within: 1e-6))
    }

    /// Many plans in one budget, of many shards: what is due in a minute stays within 0.25·D.
    @Test func plansThatShareABudgetStayWithinAQuarterOfTheDepthAMinute() {
        let seed: UInt64 = 0x9ACE
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let shards = 1 + Int(random.next() % 4)
            var table = bitcoin(sequence: 2)
            let depth = random.logarithmic(in: 20_000...500_000).rounded()
            table.components.depth = FixedDecimal(Int(depth))
            var weights = (0..<shards).map { _ in random.double(in: 0...1) }
            let sum = weights.reduce(0, +)
            weights = weights.map { $0 / sum }
            table.shares = weights
            var due: [Instant: Double] = [:]
            for shard in 0..<shards {
                var tables = MarketTables(valuationCurrency: dollar, shard: shard, of: shards)
                tables.apply(table)
                tables.apply(tether())
                var budget = TrancheBudget()
                for _ in 0..<10 {
                    let debt = Int(random.double(in: 58_500...62_000))
                    let steps = plan(
                        account(["BTC": "1", "USDT": "-\(debt)"]), in: tables, sharing: &budget)
                    for step in steps {
                        due[step.notBefore, default: 0] += step.quantity.double * 60_000
                    }
                }
            }
            for (_, amount) in due { #expect(amount <= 0.25 * depth * (1 + 1e-6), "seed \(seed)") }
        }
    }

    // Properties

    /// Carried out as expected, a plan reaches its target; or nothing is left to sell or close.
    @Test func aPlanReachesItsTargetOrLeavesNothing() {
        let seed: UInt64 = 0x91A4
        var random = SplitMix64(seed: seed)
        var tables = markets()
        tables.apply(flatSurface(), of: id("BTC"))
        var (reached, exhausted) = (0, 0)
        for _ in 0..<3_000 {
            let snapshot = randomAccount(&random)
            let steps = plan(snapshot, in: tables)
            if steps.isEmpty { continue }
            let after = carriedOut(steps, on: snapshot, in: tables)
            let left = missing(after, in: tables)
            if left <= 0.1 {
                reached += 1
            } else {
                exhausted += 1
                // Dust below what a step is worth may stay.
                let rest = assess(after, in: tables)
                #expect(
                    rest.assets.allSatisfy { $0.value < 1 || $0.asset == dollar },
                    "seed \(seed)"
                )
            }
        }
        #expect(reached > 100 && exhausted > 100)
    }
}
