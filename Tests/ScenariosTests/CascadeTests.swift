import Haircuts
import Quantities
import Scenarios
import Testing

@Suite struct CascadeTests {
    /// A path in which nothing happens: its first moment, again and again.
    static func calm() -> CrashPath {
        var path = CrashPath(seed: 1)
        for index in path.tracks.indices {
            let sample = path.tracks[index].samples[0]
            path.tracks[index].samples = path.tracks[index].samples.map { _ in sample }
            path.tracks[index].surfaces = path.tracks[index].surfaces.map { _ in
                path.tracks[index].surfaces[0]
            }
        }
        path.seconds.removeLast(path.seconds.count - path.crashStep - 120)
        return path
    }

    @Test(arguments: CascadeMode.allCases)
    func inCalmNobodyIsLiquidatedInAnyMode(mode: CascadeMode) {
        let result = Cascade(path: Self.calm(), size: 200, seed: 3).run(mode)
        #expect(result.accounts > 150)
        #expect(result.forcedSales == 0 && result.accountsLiquidated == 0)
        #expect(result.badDebt == 0 && result.accountsBelowZero == 0)
        #expect(result.deepestPrice == 1 && result.amplification == 1)
    }

    @Test(arguments: [CascadeMode.fixed, .adaptive])
    func theSamePathAndAccountsGiveTheSameResult(mode: CascadeMode) {
        let cascade = Cascade(path: CrashPath(seed: 1), size: 60, seed: 3)
        let again = Cascade(path: CrashPath(seed: 1), size: 60, seed: 3)
        #expect(cascade.run(mode) == again.run(mode))
        #expect(cascade.run(mode) == cascade.run(mode))
    }

    @Test func eachModeSetsHaircutsAsItsNameSays() {
        // Seed 1: BTC's depth falls to a tenth, its price by 30 %.
        let cascade = Cascade(path: CrashPath(seed: 1), size: 100, seed: 1)
        let results = CascadeMode.allCases.map { cascade.run($0) }
        let (fixed, step, adaptive, free) = (results[0], results[1], results[3], results[4])
        #expect(fixed.leastHaircut == 0.05 && fixed.mostHaircut == 0.05)
        #expect(step.leastHaircut == 0.05 && step.mostHaircut == 0.25)
        #expect(abs(step.largestMinuteStep - 0.20) < 1e-9)
        #expect(results[2].mostHaircut == 0.25)
        #expect(results[2].derivativesClosed < step.derivativesClosed)
        // 2 points a minute at most, and the ticks' rounding; a governor that lets go of what it
        // held may add what it may hold.
        #expect(free.largestMinuteStep < 0.0215)
        #expect(adaptive.largestMinuteStep < 0.0715)
        #expect(adaptive.peakToTrough > 2 && adaptive.mostHaircut > 0.1)
        for result in results {
            #expect(result.deepestPriceAlone == fixed.deepestPriceAlone)
            #expect(result.forcedSales > 0 && result.accountsLiquidated > 0)
            #expect(result.derivativesClosed > 0 && result.derivativesClosed < result.forcedSales)
            #expect(result.minutes.count == 60)
            let sold = result.minutes.reduce(0) { $0 + $1.sold }
            #expect(abs(sold / result.forcedSales - 1) < 1e-9)
        }
    }

    @Test func aLargerVenueFallsDeeperByItsOwnSelling() {
        func amplification(times factor: Int) -> Double {
            var path = CrashPath(seed: 1)
            for index in path.tracks.indices {
                let collateral = path.tracks[index].configuration.systemCollateral
                path.tracks[index].configuration.systemCollateral = collateral.times(
                    factor, over: 1)
            }
            return Cascade(path: path, size: 100, seed: 1).run(.fixed).amplification
        }
        let (small, large) = (amplification(times: 1), amplification(times: 10))
        #expect(small > 1.005 && large > small, "\(small), \(large)")
    }
}

@Suite struct CascadeReportTests {
    /// A crash in which nothing happened, to be filled with figures.
    static let quiet = Cascade(path: CascadeTests.calm(), size: 5, seed: 3).run(.fixed)

    func result(
        _ scenario: String, _ mode: CascadeMode, forced: Double, badDebt: Double
    ) -> CascadeResult {
        var result = Self.quiet
        result.scenario = scenario
        result.mode = mode
        result.forcedSales = forced
        result.badDebt = badDebt
        return result
    }

    func report(adaptiveForced: Double) -> CascadeReport {
        func all(_ scenario: String, _ factor: Double) -> [CascadeResult] {
            CascadeMode.allCases.map { mode in
                let forced = mode == .adaptive ? adaptiveForced : 2e6
                return result(
                    scenario, mode, forced: forced * factor,
                    badDebt: mode == .fixed ? 1e6 : 0.5e6)
            }
        }
        return CascadeReport(
            recorded: all("crash", 1), synthetic: all("s-1", 1) + all("s-2", 3))
    }

    @Test func rowsAreTheRecordedCrashAndTwoShareOfTheSyntheticOnes() {
        let rows = report(adaptiveForced: 1e6).rows
        #expect(rows.map(\.scenario).filter { $0 == "crash" }.count == 5)
        let median = rows.first { $0.scenario == "2 synthetic, median" && $0.mode == .adaptive }
        #expect(median?.cells.first == "2.0 M")
        let high = rows.first { $0.scenario.hasSuffix("95th percentile") && $0.mode == .adaptive }
        #expect(high?.cells.first == "2.9 M")
        #expect(rows.allSatisfy { $0.cells.count == CascadeReport.columns.count })
    }

    @Test func aClaimHoldsOnlyWhereTheAdaptiveFigureIsLess() {
        #expect(report(adaptiveForced: 1e6).claims.allSatisfy { $0.holds })
        let failing = report(adaptiveForced: 2e6).claims.filter { !$0.holds }.map(\.text)
        #expect(failing.count == 2)
        for text in failing { #expect(text.contains("forced sales")) }
        #expect(report(adaptiveForced: 2e6).lines.contains { $0.hasPrefix("FAILS:") })
    }

    @Test func thePageLoadsNothingAndDrawsEveryMode() {
        let html = CascadePage(report(adaptiveForced: 1e6), subtitle: "made by a test").html
        #expect(!html.contains("http") && !html.contains("src=") && !html.contains("<script"))
        #expect(html.components("<svg viewBox=\"0 0 960").count == 6)
        for mode in CascadeMode.allCases {
            #expect(html.contains("class=\"\(mode.rawValue)\""))
        }
        #expect(html.contains("made by a test"))
    }
}

extension String {
    fileprivate func components(_ part: String) -> [Substring] {
        split(separator: part, omittingEmptySubsequences: false)
    }
}
