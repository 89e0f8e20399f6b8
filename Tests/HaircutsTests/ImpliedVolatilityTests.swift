import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// What an option off the surface's own points is priced with: between strikes, between expiries
/// and beyond both.
struct ImpliedVolatilityTests {
    /// Skewed at 0.1 years, flat at 0.4; forwards 100 and 104.
    let prepared = PreparedSurface(
        surface([
            (0.1, 100, grid([80, 100, 125], [0.9, 0.6, 0.7])), (0.4, 104, grid([104], [0.5])),
        ]))

    func volatility(_ strike: Double, _ years: Double) -> Double? {
        prepared.impliedVolatility(
            strike: decimal(strike), expiry: instant(inYears: years), at: now)
    }

    func forward(_ years: Double) -> Double? {
        prepared.forward(expiry: instant(inYears: years), at: now)
    }

    @Test func atThePointsOfAGridItIsTheirVolatility() {
        #expect(agrees(volatility(80, 0.1) ?? .nan, 0.9, within: 1e-12))
        #expect(agrees(volatility(100, 0.1) ?? .nan, 0.6, within: 1e-12))
        #expect(agrees(volatility(125, 0.1) ?? .nan, 0.7, within: 1e-12))
    }

    @Test func betweenStrikesVarianceIsLinearInLogStrikeAndBeyondThemFlat() {
        let middle = (80.0 * 100).squareRoot()
        let expected = ((0.81 + 0.36) / 2).squareRoot()
        #expect(agrees(volatility(middle, 0.1) ?? .nan, expected))
        #expect(agrees(volatility(0.01, 0.1) ?? .nan, 0.9, within: 1e-12))
        #expect(agrees(volatility(1e6, 0.1) ?? .nan, 0.7, within: 1e-12))
    }

    /// At one moneyness: the strike 80 at 0.1 years, 0.8 of the forward, is 0.8 of that between.
    @Test func betweenExpiriesTotalVarianceIsLinearAtTheSameMoneyness() {
        let total = (0.1 * 0.81 + 0.4 * 0.25) / 2
        #expect(agrees(forward(0.25) ?? .nan, 102))
        #expect(agrees(volatility(0.8 * 102, 0.25) ?? .nan, (total / 0.25).squareRoot()))
    }

    @Test func beforeTheFirstExpiryVolatilityIsFlat() {
        #expect(agrees(volatility(80, 0.001) ?? .nan, 0.9))
        #expect(agrees(volatility(100, 0.099_999) ?? .nan, 0.6))
    }

    @Test func afterTheLastForwardVarianceIsFlat() {
        // At the forward: 0.036 at 0.1 years, 0.1 at 0.4, so 0.064 in 0.3 years from there on.
        let total = 0.1 + 0.064 / 0.3 * 0.6
        #expect(agrees(volatility(104, 1) ?? .nan, total.squareRoot()))
    }

    /// In the wing total variance may fall; past the end it stays rather than go below 0.
    @Test func afterTheLastAFallingVarianceStays() {
        let falling = PreparedSurface(
            surface([(0.1, 100, grid([50, 100], [3, 0.6])), (0.2, 100, grid([100], [0.6]))]))
        let value = falling.impliedVolatility(
            strike: decimal(50), expiry: instant(inYears: 10), at: now)
        #expect(agrees(value ?? .nan, (0.2 * 0.36 / 10).squareRoot()))
    }

    @Test func afterASingleExpiryItsVolatilityStays() {
        let single = PreparedSurface(surface([(0.1, 100, grid([100], [0.6]))]))
        let value = single.impliedVolatility(
            strike: decimal(70), expiry: instant(inYears: 3), at: now)
        #expect(agrees(value ?? .nan, 0.6))
    }

    @Test func whatHasExpiredHasNeitherVolatilityNorForward() {
        #expect(volatility(100, 0) == nil)
        #expect(volatility(100, -0.1) == nil)
        #expect(volatility(0, 0.1) == nil)
        #expect(forward(0) == nil)
        let later = instant(inYears: 0.4)
        #expect(prepared.forward(expiry: instant(inYears: 1), at: later) == nil)
        #expect(
            prepared.impliedVolatility(
                strike: decimal(100), expiry: instant(inYears: 1), at: later) == nil)
    }

    @Test func forwardsAreLinearInTimeAndHeldBeyondTheEnds() {
        #expect(forward(0.000_1) == 100)
        #expect(forward(0.1) == 100)
        #expect(agrees(forward(0.175) ?? .nan, 101))
        #expect(forward(0.4) == 104)
        #expect(forward(7) == 104)
    }

    /// Once the first expiry has passed, the second is the first: nothing is read from the past.
    @Test func anExpiryThatHasPassedNoLongerCounts() {
        let later = instant(inYears: 0.1)
        #expect(prepared.forward(expiry: instant(inYears: 0.2), at: later) == 104)
        let value = prepared.impliedVolatility(
            strike: decimal(80), expiry: instant(inYears: 0.2), at: later)
        #expect(agrees(value ?? .nan, 0.5))
    }

    @Test func theReadingIsContinuousAtEveryExpiry() {
        for years in [0.1, 0.4] {
            for strike in [40.0, 90, 100, 130, 400] {
                let before = volatility(strike, years - 1e-9) ?? .nan
                let after = volatility(strike, years + 1e-9) ?? .nan
                #expect(agrees(before, after, within: 1e-7), "\(strike) at \(years)")
            }
        }
    }
}
