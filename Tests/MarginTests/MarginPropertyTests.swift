import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// What the model promises of any account, over a hundred thousand random ones in random markets.
@Suite("Properties of margin")
struct MarginPropertyTests {
    /// A market of three assets with random tiers, prices and ranges.
    private func randomTables(_ random: inout SplitMix64) -> [HaircutTable] {
        ["AAA", "BBB", "CCC"].map { name in
            let price = nearest((random.logarithmic(in: 0.01...1e5) * 1e4).rounded() / 1e4 + 0.01)
            var down = random.double(in: 0.02...0.2)
            var ranges: [ScanRange] = []
            for notional in [10_000, 100_000, 1_000_000] {
                ranges.append(
                    ScanRange(notional: FixedDecimal(notional), down: down, up: down / (1 - down)))
                down = min(0.6, down + random.double(in: 0...0.1))
            }
            var one = table(
                name, price: "\(price)", tiers: randomTiers(&random), scan: ranges,
                fallback: random.double(in: 0...0.6))
            one.debtPrice = price + price.times(1, over: 150)
            one.reference = one.debtPrice
            return one
        }
    }

    private func markets(_ tables: [HaircutTable]) -> MarketTables {
        var markets = MarketTables(valuationCurrency: dollar)
        for table in tables { markets.apply(table) }
        return markets
    }

    private func randomAccount(
        _ random: inout SplitMix64, _ tables: [HaircutTable], named name: String = "A-1"
    ) -> AccountSnapshot {
        var snapshot = account(named: name)
        func quantity(_ value: ClosedRange<Double>, _ price: FixedDecimal) -> FixedDecimal {
            let size = random.logarithmic(in: value) / price.double
            let sign = random.next() % 3 == 0 ? -1.0 : 1
            return nearest(sign * (size * 1e6).rounded() / 1e6)
        }
        for table in tables where random.next() % 3 != 0 {
            snapshot.balances.append(
                Balance(asset: table.asset, quantity: quantity(100...1e7, table.price)))
        }
        snapshot.balances.append(Balance(asset: dollar, quantity: quantity(100...1e6, .one)))
        for table in tables where random.next() % 3 == 0 {
            let isInverse = random.next() & 1 == 0
            var position = perpetual(
                "AAA", "1", at: "1", contract: isInverse ? .inverse : .linear)
            position.underlying = table.asset
            position.quantity = quantity(100...1e6, isInverse ? .one : table.price)
            position.entryPrice =
                table.price.times(100 + Int(random.next() % 50), over: 125) + nearest(1e-9)
            snapshot.positions.append(position)
        }
        return snapshot
    }

    private func figures(_ snapshot: AccountSnapshot, _ tables: [HaircutTable]) -> MarginFigures {
        assess(snapshot, in: markets(tables)).figures
    }

    private func size(_ figures: MarginFigures) -> Double {
        abs(figures.equity) + figures.collateral.maintenance + figures.debts.initial
            + figures.requirement.initial
    }

    /// One random state in three serves each of the properties.
    @Test func moneyAddedNeverWorsensAndHaircutsRaisedNeverImprove() {
        let seed: UInt64 = 0xADD5
        var random = SplitMix64(seed: seed)
        for round in 0..<100_000 {
            let tables = randomTables(&random)
            let snapshot = randomAccount(&random, tables)
            let now = figures(snapshot, tables)
            let slack = 1e-9 * size(now)
            #expect(now.excess.initial <= now.excess.maintenance + slack, "seed \(seed)")
            #expect(now.collateral.initial <= now.collateral.maintenance + slack, "seed \(seed)")
            #expect(now.debts.initial >= now.debts.maintenance - slack, "seed \(seed)")
            #expect(now.excess.maintenance <= now.equity + slack, "seed \(seed)")
            var (other, changed) = (snapshot, tables)
            let asset = Int(random.next() % 3)
            switch round % 3 {
            case 0:
                // A balance grows, of whatever sign it is.
                let index = Int(random.next() % UInt64(snapshot.balances.count))
                let more = FixedDecimal(Int(random.logarithmic(in: 1...1e6)))
                other.balances[index].quantity = snapshot.balances[index].quantity + more
            case 1:
                // A debt is lighter and a holding heavier under lower haircuts.
                changed[asset].tiers = tables[asset].tiers.map { tier in
                    var tier = tier
                    tier.maintenance.millionths -= tier.maintenance.millionths / 7
                    tier.initial.millionths -= tier.initial.millionths / 7
                    return tier
                }
            default:
                // Narrower ranges.
                changed[asset].scan = tables[asset].scan.map {
                    ScanRange(notional: $0.notional, down: $0.down * 0.9, up: $0.up * 0.9)
                }
            }
            let then = figures(other, changed)
            #expect(then.excess.maintenance >= now.excess.maintenance - slack, "seed \(seed)")
            #expect(then.excess.initial >= now.excess.initial - slack, "seed \(seed)")
        }
    }

    /// Stale data raises initial margin alone, and equity is not touched.
    @Test func staleDataNeverLiquidates() {
        let seed: UInt64 = 0x57A1E
        var random = SplitMix64(seed: seed)
        for _ in 0..<20_000 {
            let tables = randomTables(&random)
            let snapshot = randomAccount(&random, tables)
            let now = figures(snapshot, tables)
            let late = assess(snapshot, in: markets(tables), at: moment(1_000)).figures
            #expect(late.excess.maintenance == now.excess.maintenance, "seed \(seed)")
            #expect(late.equity == now.equity, "seed \(seed)")
            #expect(late.excess.initial <= now.excess.initial + 1e-9 * size(now), "seed \(seed)")
        }
    }

    /// Splitting a holding over accounts of one owner gains nothing.
    @Test func anOwnerGainsNothingBySplittingAccounts() {
        let seed: UInt64 = 0x5911
        var random = SplitMix64(seed: seed)
        for _ in 0..<20_000 {
            let tables = randomTables(&random)
            var parts = [account(), account(named: "A-2")]
            var whole = account()
            for table in tables {
                var sum = FixedDecimal.zero
                for part in 0..<2 {
                    let quantity = nearest(random.logarithmic(in: 100...1e7) / table.price.double)
                    parts[part].balances.append(Balance(asset: table.asset, quantity: quantity))
                    sum = sum + quantity
                }
                whole.balances.append(Balance(asset: table.asset, quantity: sum))
            }
            let split = margin.assess(parts, in: markets(tables), at: moment(1)).map(\.figures)
            let one = figures(whole, tables)
            let sum = split[0].collateral + split[1].collateral
            let slack = 1e-9 * one.equity
            #expect(abs(sum.initial - one.collateral.initial) < slack, "seed \(seed)")
            #expect(abs(sum.maintenance - one.collateral.maintenance) < slack, "seed \(seed)")
        }
    }

    /// Status follows from figures: better figures never have a worse status, and a status that
    /// was left is not returned to by the same figures.
    @Test func betterFiguresNeverHaveAWorseStatus() {
        let seed: UInt64 = 0x57A7
        var random = SplitMix64(seed: seed)
        let parameters = MarginParameters()
        for _ in 0..<100_000 {
            func figures(_ shift: Double) -> MarginFigures {
                MarginFigures(
                    equity: 40 + shift,
                    collateral: MarginPair(initial: 180 + shift, maintenance: 180 + shift),
                    debts: .zero, requirement: MarginPair(initial: 125, maintenance: 100))
            }
            let low = random.double(in: -150...50)
            let high = low + random.logarithmic(in: 0.01...100)
            let previous = MarginStatus.allCases[Int(random.next() % 5)]
            let worse = figures(low).status(after: previous, parameters)
            let better = figures(high).status(after: previous, parameters)
            #expect(better <= worse, "seed \(seed)")
            let again = figures(low).status(after: worse, parameters)
            #expect(again == worse, "seed \(seed)")
        }
    }
}
