import Market
import Quantities
import RealModule

extension Instant {
    /// Years of 365 days from another instant to this one; negative when this one is earlier.
    func years(since earlier: Instant) -> Double {
        seconds(since: earlier) / (365 * 86_400)
    }
}

extension Surface.SVI {
    /// Total variance w at log-moneyness `k = ln(K/F)`.
    ///
    /// - Source: Gatheral (2004); MODEL §2.
    public func totalVariance(at k: Double) -> Double {
        let distance = k - m
        return a + b * (rho * distance + (distance * distance + sigma * sigma).squareRoot())
    }

    /// Gatheral and Jacquier's g(k), which has the sign of the density the smile implies.
    ///
    /// - Source: Gatheral and Jacquier (2014), equation 2.1.
    public func densityFactor(at k: Double) -> Double {
        let distance = k - m
        let root = (distance * distance + sigma * sigma).squareRoot()
        let w = a + b * (rho * distance + root)
        let first = b * (rho + distance / root)
        let second = b * sigma * sigma / (root * root * root)
        let slant = 1 - k * first / (2 * w)
        return slant * slant - first * first / 4 * (1 / w + 0.25) + second / 2
    }

    /// The condition of MODEL §2 that the parameters break, if any.
    public var brokenCondition: String? {
        if !(a.isFinite && b.isFinite && rho.isFinite && m.isFinite && sigma.isFinite) {
            return "a parameter is not finite"
        }
        if b < 0 { return "b = \(b) is below 0" }
        if abs(rho) >= 1 { return "rho = \(rho) is not between -1 and 1" }
        if sigma <= 0 { return "sigma = \(sigma) is not above 0" }
        if b * (1 + abs(rho)) > 2 { return "b(1 + |rho|) is above 2" }
        if a + b * sigma * (1 - rho * rho).squareRoot() < 0 {
            return "its least variance a + b sigma sqrt(1 - rho^2) is below 0"
        }
        return nil
    }
}

/// The squared volatility of a grid at the forward, linear in log strike, flat beyond the ends.
///
/// - Parameters: increasing strikes > 0, as many volatilities, at least one; a forward > 0.
func squaredVolatility(
    atForward forward: FixedDecimal, strikes: [FixedDecimal], volatilities: [Double]
) -> Double {
    var upper = 0
    while upper < strikes.count && strikes[upper] < forward { upper += 1 }
    if upper == 0 { return volatilities[0] * volatilities[0] }
    let before = volatilities[upper - 1] * volatilities[upper - 1]
    if upper == strikes.count { return before }
    let after = volatilities[upper] * volatilities[upper]
    let low = logMoneyness(strikes[upper - 1], forward: forward.double)
    let high = logMoneyness(strikes[upper], forward: forward.double)
    return interpolated(at: 0, from: (low, before), to: (high, after))
}

/// `ln(K/F)`.
func logMoneyness(_ strike: FixedDecimal, forward: Double) -> Double {
    Double.log(strike.double / forward)
}

/// The straight line between two points; the second's value where they coincide.
func interpolated(
    at x: Double, from low: (x: Double, y: Double), to high: (x: Double, y: Double)
) -> Double {
    let width = high.x - low.x
    if !(width > 0) { return high.y }
    return low.y + (high.y - low.y) * min(1, max(0, (x - low.x) / width))
}
