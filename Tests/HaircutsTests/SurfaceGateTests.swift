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
        #expect(reason(volatility: 10.000_001) == .volatility)
        #expect(reason(volatility: 1e-9) == nil)
        for value in [0, -0.5, Double.nan, .infinity] {
            #expect(reason(volatility: value) == .volatility)
        }
    }

    @Test func strikesIncrease() {
        #expect(reason(surface([(0.1, 100, grid([90, 90.01], [0.5, 0.5]))])) == nil)
        #expect(reason(surface([(0.1, 100, grid([90, 90], [0.5, 0.5]))])) == .strikeOrder)
        #expect(reason(surface([(0.1, 100, grid([90, 100], [0.5]))])) == .malformed)
        #expect(reason(surface([(0.1, 100, grid([], []))])) == .malformed)
    }

    @Test func expiriesIncreaseAndThoseBehindDoNotCount() {
        let flat = grid([90, 110], [0.5, 0.5])
        #expect(reason(surface([(0.1, 100, flat), (0.2, 100, flat)])) == nil)
        #expect(reason(surface([(0.1, 100, flat), (0.1, 100, flat)])) == .expiryOrder)
        #expect(reason(surface([(-0.1, 100, flat), (-0.2, 100, flat), (0.2, 100, flat)])) == nil)
        #expect(reason(surface([(-0.1, 100, flat), (0, 100, flat)])) == .expired)
        #expect(reason(surface([])) == .expired)
    }

    @Test func varianceAtTheForwardDoesNotFall() {
        let near = grid([90, 110], [0.8, 0.8])
        #expect(reason(surface([(0.1, 100, near), (0.4, 100, grid([100], [0.4]))])) == nil)
        #expect(reason(surface([(0.1, 100, near), (0.4, 100, grid([100], [0.399]))])) == .calendar)
    }

    @Test func sviKeepsItsConditions() {
        #expect(reason() == nil)
        #expect(reason(b: 0) == nil)
        #expect(reason(b: -1e-9) == .parameters)
        #expect(reason(rho: 1) == .parameters)
        #expect(reason(rho: -1) == .parameters)
        #expect(reason(sigma: 0) == .parameters)
        #expect(reason(a: -0.02, rho: 0) != nil)
        #expect(reason(a: -0.020_001, rho: 0) == .parameters)
        #expect(reason(b: 1.000_001, rho: 1 - 1e-9) == .parameters)
        #expect(reason(a: .nan) == .parameters)
        #expect(reason(a: 99, b: 0) == nil)
        #expect(reason(a: 100.001, b: 0) == .volatility)
        #expect(reason(a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153) == .density)
    }
}
