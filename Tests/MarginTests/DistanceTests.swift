import Margin
import Market
import Quantities
import TestSupport
import Testing

@Suite("Distance to liquidation")
struct DistanceTests {
    func valuation(
        _ accounts: AccountSnapshot..., in tables: MarketTables = markets()
    ) -> OwnerValuation {
        margin.value(accounts, at: moment(1), lookUp: { tables[$0] })
    }

    /// 60 000·(1 + x)·0.97 = 40 000·1.005.
    @Test func aBorrowersDistanceIsTheFallAtWhichTheCollateralJustCoversTheDebt() throws {
        let distance = valuation(account(["BTC": "1", "USDT": "-40000"])).distance(of: 0)
        #expect(agree(try #require(distance), 40_000 * 1.005 / (60_000 * 0.97) - 1))
    }

    @Test func pastTheLineTheDistanceIsTheRiseThatLeadsBack() throws {
        let distance = valuation(account(["BTC": "1", "USDT": "-58500"])).distance(of: 0)
        #expect(agree(try #require(distance), 58_500 * 1.005 / (60_000 * 0.97) - 1))
        #expect(try #require(distance) > 0)
    }

    @Test func everythingInTheCollateralsUnderlyingMovesWithIt() throws {
        // A long perpetual on the collateral: its losses and its risk move, too.
        let valuation = valuation(
            account(
                ["BTC": "2", "USDT": "-50000"], positions: [perpetual("BTC", "1", at: "60060")]))
        let distance = try #require(valuation.distance(of: 0))
        // 2·60 000·s·tiers − 50 250 + 60 060·(s − 1) − 6 006·s = 0, in the first tier.
        let price = (50_250.0 + 60_060) / (2 * 60_000 * 0.97 + 60_060 - 6_006)
        #expect(agree(distance, price - 1))
    }

    @Test func withoutCollateralThatMovesThereIsNoDistance() {
        #expect(valuation(account(["USD": "1000"])).distance(of: 0) == nil)
        #expect(valuation(account(["DOGE": "1000"])).distance(of: 0) == nil)
        #expect(valuation(account()).distance(of: 0) == nil)
    }

    @Test func withoutADebtNoFallReachesLiquidation() {
        #expect(valuation(account(["BTC": "1", "USDT": "5"])).distance(of: 0) == nil)
    }

    @Test func theLargestCollateralIsTheOneThatMoves() throws {
        // 100 000 USDT beside half a bitcoin, against dollars: USDT's price counts.
        let distance = try #require(
            valuation(account(["USDT": "100000", "BTC": "0.5", "USD": "-120000"])).distance(of: 0))
        #expect(agree(distance, (120_000 - 30_000 * 0.97) / (100_000 * 0.995) - 1))
    }

    @Test func theOwnersOtherAccountsMoveAlong() throws {
        let valuation = valuation(
            account(["BTC": "2", "USDT": "-90000"]), account(["BTC": "3"], named: "A-2"))
        let distance = try #require(valuation.distance(of: 0))
        let after = valuation.moved(id("BTC"), by: distance).figures(of: 0)
        #expect(abs(after.excess.maintenance) < 1e-6 * 90_000)
    }

    /// At the distance the excess is 0, and on the way there it keeps its sign.
    @Test func theDistanceIsTheNearestZeroOfTheExcess() {
        let seed: UInt64 = 0xD157
        var random = SplitMix64(seed: seed)
        var found = 0
        for _ in 0..<2_000 {
            var tables = markets()
            tables.apply(flatSurface(), of: id("BTC"))
            let valuation = valuation(randomAccount(&random), in: tables)
            let now = valuation.figures(of: 0)
            guard let distance = valuation.distance(of: 0) else { continue }
            found += 1
            let scale = now.collateral.maintenance + now.debts.maintenance
            let asset = largest(valuation)
            func excess(_ move: Double) -> Double {
                valuation.moved(asset, by: move).figures(of: 0).excess.maintenance
            }
            #expect(abs(excess(distance)) <= 1e-7 * scale, "seed \(seed)")
            for part in [0.2, 0.5, 0.8] where abs(excess(distance * part)) > 1e-6 * scale {
                #expect(
                    (excess(distance * part) < 0) == (now.excess.maintenance < 0), "seed \(seed)")
            }
            #expect(distance > -1 && distance <= 10)
        }
        #expect(found > 500)
    }

    private func largest(_ valuation: OwnerValuation) -> Identifier {
        let assets = valuation.assessment(of: 0).assets.filter { $0.asset != dollar }
        return assets.max { $0.value < $1.value }?.asset ?? dollar
    }
}

/// An account in BTC, USDT and USD with perpetuals and options on BTC.
func randomAccount(_ random: inout SplitMix64) -> AccountSnapshot {
    func amount(_ range: ClosedRange<Double>) -> String {
        let size = random.logarithmic(in: range)
        return "\(nearest((size * 1e4).rounded() / 1e4))"
    }
    func sign() -> String { random.next() & 1 == 0 ? "-" : "" }
    var balances = ["BTC": amount(0.1...20)]
    balances["USDT"] = sign() + amount(100...500_000)
    if random.next() & 1 == 0 { balances["USD"] = sign() + amount(100...100_000) }
    var positions: [Position] = []
    if random.next() & 1 == 0 {
        positions.append(perpetual("BTC", sign() + amount(0.01...10), at: "59000"))
    }
    if random.next() & 1 == 0 {
        positions.append(
            option(
                random.next() & 1 == 0 ? .call : .put, "BTC", sign() + amount(0.01...5),
                strike: "\(Int(random.double(in: 45_000...75_000)))",
                expiry: moment(30 * 86_400)))
    }
    return account(balances, positions: positions)
}
