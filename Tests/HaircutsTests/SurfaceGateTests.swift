import Haircuts
import Market
import Quantities
import Testing

/// Each condition of the gate, on both sides of its boundary.
struct SurfaceGateTests {
    func reason(_ surface: Surface) -> SurfaceRefusal.Reason? {
        do throws(SurfaceRefusal) {
            try SurfaceGate.check(surface, at: now)
            return nil
        } catch { return error.reason }
    }

    func reason(
        a: Double = 0.04, b: Double = 0.1, rho: Double = -0.3, m: Double = 0, sigma: Double = 0.2
    ) -> SurfaceRefusal.Reason? {
        let svi = Surface.SVI(a: a, b: b, rho: rho, m: m, sigma: sigma)
        return reason(surface([(1, 100, .svi(svi))]))
    }

    func reason(volatility: Double) -> SurfaceRefusal.Reason? {
        reason(surface([(0.1, 100, grid([90, 110], [0.5, volatility]))]))
    }

    @Test func volatilitiesAreAboveZeroAndAtMostTen() {
        #expect(reason(volatility: 10) == nil)
        #expect(reason(volatility: 10.0.nextUp) == .volatility)
        #expect(reason(volatility: 1e-9) == nil)
        for value in [0, -1e-9, -0.5, Double.nan, .infinity, -.infinity] {
            #expect(reason(volatility: value) == .volatility)
        }
    }

    @Test func strikesIncrease() {
        func reason(_ strikes: [Double], _ volatilities: [Double]) -> SurfaceRefusal.Reason? {
            self.reason(surface([(0.1, 100, grid(strikes, volatilities))]))
        }
        #expect(reason([90, 90.000_000_000_001], [0.5, 0.5]) == nil)
        #expect(reason([90, 90], [0.5, 0.5]) == .strikeOrder)
        #expect(reason([90, 89.999_999_999_999], [0.5, 0.5]) == .strikeOrder)
        #expect(reason([90, 110, 100], [0.5, 0.5, 0.5]) == .strikeOrder)
    }

    @Test func gridsHaveOneVolatilityAStrikeAndPricesAboveZero() {
        #expect(reason(surface([(0.1, 100, grid([90], [0.5]))])) == nil)
        #expect(reason(surface([(0.1, 100, grid([90, 100], [0.5]))])) == .malformed)
        #expect(reason(surface([(0.1, 100, grid([90], [0.5, 0.5]))])) == .malformed)
        #expect(reason(surface([(0.1, 100, grid([], []))])) == .malformed)
        #expect(reason(surface([(0.1, 100, grid([1e-12], [0.5]))])) == nil)
        #expect(reason(surface([(0.1, 100, grid([0, 90], [0.5, 0.5]))])) == .malformed)
        #expect(reason(surface([(0.1, 1e-12, grid([90], [0.5]))])) == nil)
        #expect(reason(surface([(0.1, 0, grid([90], [0.5]))])) == .malformed)
        #expect(reason(surface([(0.1, -1, grid([90], [0.5]))])) == .malformed)
    }

    @Test func expiriesIncreaseByANanosecondAtLeast() {
        let flat = grid([90, 110], [0.5, 0.5])
        var pair = surface([(0.1, 100, flat), (0.2, 100, flat)])
        #expect(reason(pair) == nil)
        let first = pair.expiries[0].expiry
        pair.expiries[1].expiry = first.advanced(byNanoseconds: 1)
        #expect(reason(pair) == nil)
        pair.expiries[1].expiry = first
        #expect(reason(pair) == .expiryOrder)
        pair.expiries[1].expiry = first.advanced(byNanoseconds: -1)
        #expect(reason(pair) == .expiryOrder)
    }

    @Test func expiriesBehindDoNotCount() {
        let flat = grid([90, 110], [0.5, 0.5])
        #expect(reason(surface([(-0.1, 100, flat), (-0.2, 100, flat), (0.2, 100, flat)])) == nil)
        #expect(reason(surface([(-0.1, 100, grid([90], [11])), (0.2, 100, flat)])) == nil)
        #expect(reason(surface([(-0.1, 100, flat), (0, 100, flat)])) == .expired)
        #expect(reason(surface([])) == .expired)
        var single = surface([(0, 100, flat)])
        single.expiries[0].expiry = now.advanced(byNanoseconds: 1)
        #expect(reason(single) == nil)
    }

    @Test func varianceAtTheForwardDoesNotFall() {
        let near = grid([90, 110], [0.8, 0.8])
        func reason(later volatility: Double) -> SurfaceRefusal.Reason? {
            self.reason(surface([(0.1, 100, near), (0.4, 100, grid([100], [volatility]))]))
        }
        #expect(reason(later: 0.4) == nil)
        #expect(reason(later: 0.400_000_001) == nil)
        #expect(reason(later: 0.399_999_999) == .calendar)

        func reason(laterSVI a: Double) -> SurfaceRefusal.Reason? {
            let first = Surface.SVI(a: 0.04, b: 0.1, rho: -0.3, m: 0, sigma: 0.2)
            var second = first
            second.a = a
            return self.reason(surface([(0.1, 100, .svi(first)), (0.4, 100, .svi(second))]))
        }
        #expect(reason(laterSVI: 0.04) == nil)
        #expect(reason(laterSVI: 0.039_999_999) == .calendar)
    }

    @Test func everyParameterOfSVIIsFinite() {
        #expect(reason() == nil)
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(reason(a: value) == .parameters)
            #expect(reason(b: value) == .parameters)
            #expect(reason(rho: value) == .parameters)
            #expect(reason(m: value) == .parameters)
            #expect(reason(sigma: value) == .parameters)
        }
    }

    @Test func slopeCorrelationAndWidthOfSVIKeepTheirRanges() {
        #expect(reason(b: 0) == nil)
        #expect(reason(b: -1e-9) == .parameters)
        for sign in [1.0, -1] {
            #expect(reason(rho: sign * 0.999_999) == nil)
            #expect(reason(rho: sign) == .parameters)
            #expect(reason(rho: sign * 1.000_001) == .parameters)
        }
        #expect(reason(sigma: 1e-6) == nil)
        #expect(reason(sigma: 0) == .parameters)
        #expect(reason(sigma: -1e-6) == .parameters)
    }

    @Test func wingsOfSVIAreNoSteeperThanTwo() {
        for rho in [0.25, -0.25] {
            #expect(1.6 * (1 + abs(rho)) == 2)
            #expect(reason(a: 1, b: 1.6, rho: rho, sigma: 1) == nil)
            #expect(reason(a: 1, b: 1.600_000_08, rho: rho, sigma: 1) == .parameters)
        }
    }

    /// The least variance lies at k = 3, beyond the points where the density is judged.
    @Test func leastVarianceOfSVIIsNotBelowZero() {
        #expect(reason(a: -0.031_25, b: 0.125, rho: 0, m: 3, sigma: 0.25) == nil)
        let below = (-0.031_25).nextDown
        #expect(reason(a: below, b: 0.125, rho: 0, m: 3, sigma: 0.25) == .parameters)
        // Here sqrt(1 - rho^2) is 0.8, and the least variance a + 0.025.
        #expect(reason(a: -0.024_999, b: 0.125, rho: 0.6, m: 3, sigma: 0.25) == nil)
        #expect(reason(a: -0.025_001, b: 0.125, rho: 0.6, m: 3, sigma: 0.25) == .parameters)
    }

    @Test func varianceOfSVIIsAboveZeroAndGivesAtMostTenAtTheForward() {
        let nothing = Surface.SVI(a: 0, b: 0, rho: -0.3, m: 0, sigma: 0.2)
        #expect(nothing.brokenCondition == nil)
        #expect(reason(a: 0, b: 0) == .volatility)
        #expect(reason(a: 1e-300, b: 0) == nil)
        #expect(reason(a: 100, b: 0) == nil)
        #expect(reason(a: 100.000_001, b: 0) == .volatility)
    }

    /// Vogt's slice, the known example of a negative density, raised until hardly any is left.
    ///
    /// - Source: Gatheral and Jacquier (2014), example 3.1; the two levels found by bisection.
    @Test func densityOfSVIIsAtLeastMinusABillionth() {
        func vogt(_ a: Double) -> Surface.SVI {
            Surface.SVI(a: a, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153)
        }
        func least(_ svi: Surface.SVI) -> Double {
            (0...600).map { svi.densityFactor(at: Double($0 - 300) * 0.005) }.min() ?? .nan
        }
        let allowed = vogt(-0.032_674_404_826_834_95)
        let refused = vogt(-0.032_674_404_871_916_31)
        #expect(abs(least(allowed) + 0.9e-9) < 1e-14)
        #expect(abs(least(refused) + 1.1e-9) < 1e-14)
        #expect(reason(surface([(1, 100, .svi(allowed))])) == nil)
        #expect(reason(surface([(1, 100, .svi(refused))])) == .density)
        #expect(reason(surface([(1, 100, .svi(vogt(-0.041)))])) == .density)
    }
}
