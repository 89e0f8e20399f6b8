import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

@Suite("Exposure ladders")
struct ExposureTests {
    func exposure(
        _ owners: [[AccountSnapshot]], in tables: MarketTables = markets(), to asset: String = "BTC"
    ) -> ExposureFigures {
        margin.exposure(to: id(asset), of: owners, in: tables, at: moment(1))
    }

    @Test func whatIsPledgedAndBorrowedIsSummedOverAccounts() {
        let figures = exposure([
            [account(["BTC": "2"]), account(["BTC": "0.5"], named: "A-2")],
            [account(["BTC": "-0.25", "USD": "100000"], named: "A-3")],
            [account(["USD": "5"], named: "A-4")],
        ])
        #expect(figures.pledged == 2.5 && figures.borrowed == 0.25 && figures.accounts == 3)
        #expect(agree(figures.pledgedValue, 150_000))
    }

    @Test func accountsWithoutDebtForceNothing() {
        let figures = exposure([[account(["BTC": "100"])]])
        #expect(figures.byHaircut.allSatisfy { $0 == 0 } && figures.byPrice.allSatisfy { $0 == 0 })
    }

    /// 58 200 of collateral against 57 600·1.005 = 57 888: breached by 312 less, which is a rise
    /// of the haircut by 0.52 points, or a fall of the price by 0.536 %.
    @Test func anAccountIsSoldFromTheRungOnThatBreachesIt() {
        let figures = exposure([[account(["BTC": "1", "USDT": "-57600"])]])
        for (rise, value) in zip(Exposure.rises, figures.byHaircut) {
            #expect((value > 0) == (rise > 0.0052), "\(rise)")
        }
        for (fall, value) in zip(Exposure.falls, figures.byPrice) {
            #expect((value > 0) == (fall > 0.00536), "\(fall)")
        }
    }

    @Test func whoIsBreachedAlreadyIsNotBreachedAnew() {
        let figures = exposure([[account(["BTC": "1", "USDT": "-59000"])]])
        #expect(figures.byPrice.allSatisfy { $0 == 0 })
    }

    @Test func aLongDerivativeThatIsClosedIsSellingAndAShortIsNot() {
        let long = exposure([
            [account(["USD": "6500"], positions: [perpetual("BTC", "1", at: "60060")])]
        ])
        #expect(long.byPrice[2] > 0)
        let short = exposure([
            [account(["USD": "6680"], positions: [perpetual("BTC", "-1", at: "60060")])]
        ])
        #expect(short.byPrice.allSatisfy { $0 == 0 })
    }

    /// A fall of the price forces what the plans in the fallen market say, and ladders do not fall.
    @Test func laddersDoNotFallAndAddUp() {
        let seed: UInt64 = 0x1ADD
        var random = SplitMix64(seed: seed)
        var tables = markets()
        tables.apply(flatSurface(), of: id("BTC"))
        let owners = (0..<300).map { _ in [randomAccount(&random)] }
        let whole = exposure(owners, in: tables)
        let parts = [owners[0..<100], owners[100..<300]].map { exposure(Array($0), in: tables) }
        for ladder in [whole.byHaircut, whole.byPrice] {
            for (low, high) in zip(ladder, ladder.dropFirst()) { #expect(low <= high) }
        }
        for (rung, value) in whole.byPrice.enumerated() {
            // The running maximum is taken of the sum, so that parts may add up to a little more.
            let sum = parts[0].byPrice[rung] + parts[1].byPrice[rung]
            #expect(value <= sum * (1 + 1e-9), "seed \(seed)")
        }
        #expect(whole.byPrice[9] > 0)
        #expect(agree(whole.pledged, parts[0].pledged + parts[1].pledged))
    }
}
