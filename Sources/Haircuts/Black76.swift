import RealModule

/// A European option on a forward, undiscounted (rate 0), one unit of the underlying.
///
/// - Source: Black (1976); MODEL §8.
public struct Black76: Hashable, Sendable {
    public enum Right: Hashable, Sendable {
        case call, put
    }

    public var right: Right
    /// Of the underlying at the expiry, > 0.
    public var forward: Double
    /// In the same currency, > 0.
    public var strike: Double
    /// To the expiry, ≥ 0; 0 prices the payoff.
    public var years: Double
    /// Annualised, ≥ 0; 0 prices the payoff.
    public var volatility: Double

    public init(
        _ right: Right, forward: Double, strike: Double, years: Double, volatility: Double
    ) {
        self.right = right
        self.forward = forward
        self.strike = strike
        self.years = years
        self.volatility = volatility
    }

    /// Standard deviation of the log forward at the expiry.
    private var deviation: Double { volatility * max(0, years).squareRoot() }

    /// `max(F − K, 0)` of a call, `max(K − F, 0)` of a put.
    public var intrinsic: Double {
        switch right {
        case .call: max(forward - strike, 0)
        case .put: max(strike - forward, 0)
        }
    }

    /// What the option is worth, in the currency of the forward.
    ///
    /// The option out of the money is priced and the intrinsic value added, so that a deep one
    /// keeps its digits.
    ///
    /// - Returns: at least the intrinsic value, at most the forward (call) or the strike (put).
    public var price: Double {
        let deviation = deviation
        guard deviation > 0 else { return intrinsic }
        let distance = abs(Double.log(forward / strike))
        // An option out of the money, scaled: low·Φ(−d + s/2) − high·Φ(−d − s/2), d = distance/s.
        let (low, high) = forward < strike ? (forward, strike) : (strike, forward)
        let d = distance / deviation
        let value =
            low * normalDistribution(deviation / 2 - d)
            - high * normalDistribution(-deviation / 2 - d)
        return intrinsic + min(low, max(0, value))
    }

    /// Change of the price with the forward: 0…1 of a call, −1…0 of a put.
    public var delta: Double {
        let deviation = deviation
        let sign = right == .call ? 1.0 : -1.0
        guard deviation > 0 else {
            if forward == strike { return sign / 2 }
            return intrinsic > 0 ? sign : 0
        }
        let d1 = Double.log(forward / strike) / deviation + deviation / 2
        return sign * normalDistribution(sign * d1)
    }

    /// Change of the price with the volatility, per 1.00 of volatility; ≥ 0.
    public var vega: Double {
        let deviation = deviation
        guard deviation > 0 else { return 0 }
        let d1 = Double.log(forward / strike) / deviation + deviation / 2
        return forward * normalDensity(d1) * max(0, years).squareRoot()
    }
}
