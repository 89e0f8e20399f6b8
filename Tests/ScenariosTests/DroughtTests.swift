import Quantities
import Scenarios
import Testing

/// A book that dries up while prices stand still.
@Suite struct DroughtTests {
    private func results(
        of modes: [CascadeMode], collateral: Int
    ) -> [CascadeMode: CascadeResult] {
        let path = CrashPath.drought(seed: 1_001, to: 0.05, collateral: collateral)
        let cascade = Cascade(path: path, size: 60, seed: 1_002)
        return Dictionary(
            uniqueKeysWithValues: modes.map { mode in
                let result = cascade.run(mode)
                print(
                    "drought, \(collateral) x collateral, \(mode.rawValue):",
                    "forced \(Int(result.forcedSales / 1e5)) x 100 k,",
                    "haircut at most \(result.mostHaircut),",
                    "\(result.governedMinutes) minutes governed")
                return (mode, result)
            })
    }

    @Test func haircutsThatFollowForceLessThanARaiseAtOnce() throws {
        let results = results(of: [.fixed, .manualStep, .adaptive], collateral: 1)
        let (fixed, raise) = (try #require(results[.fixed]), try #require(results[.manualStep]))
        let adaptive = try #require(results[.adaptive])
        #expect(fixed.forcedSales == 0, "prices stand still")
        #expect(adaptive.mostHaircut > 0.08 && adaptive.forcedSales > 0)
        #expect(adaptive.forcedSales < 0.5 * raise.forcedSales)
        for result in results.values {
            #expect(result.badDebt == 0 && result.deepestPriceAlone == 1)
        }
    }

    @Test func theGovernorHoldsWhereMuchIsPledgedOnAThinBook() throws {
        let results = results(of: [.adaptive, .adaptiveWithoutGovernor], collateral: 5)
        let governed = try #require(results[.adaptive])
        let free = try #require(results[.adaptiveWithoutGovernor])
        #expect(governed.governedMinutes > 0 && free.governedMinutes == 0)
        #expect(governed.minutes != free.minutes)
    }
}
