import RealModule

/// Log returns that diffuse and jump down: the model behind the market haircut.
///
/// Over a horizon of T years `x = N(−σ²T/2, σ²T)` plus Poisson(λT) jumps, each `N(−μ_J, δ_J²)`:
/// a mixture of normals weighted by the number of jumps.
///
/// - Source: Merton (1976); MODEL §3.4.
public struct JumpDiffusion: Hashable, Sendable {
    /// Jumps a year, λ.
    public let intensity: Double
    /// Mean size of a jump down in log price, μ_J.
    public let mean: Double
    /// Standard deviation of a jump in log price, δ_J.
    public let deviation: Double
    /// 0.995 takes the mean of the worst 0.5 %.
    public let level: Double

    let jumpVariance: Double
    /// `1 − E[e^jump]`, the mean loss of one jump, and its complement.
    let jumpLoss: Double
    let jumpFactor: Double

    /// - Parameters:
    ///   - intensity: jumps a year, λ ≥ 0; λT must stay ≤ 4 at the longest horizon.
    ///   - mean: μ_J ≥ δ_J²/2, so that a jump does not raise the price on average.
    ///   - deviation: δ_J ≥ 0.
    ///   - level: 0.9…0.9999.
    public init(intensity: Double, mean: Double, deviation: Double, level: Double) {
        precondition(intensity >= 0 && mean >= 0 && deviation >= 0 && level > 0.5 && level < 1)
        self.intensity = intensity
        self.mean = mean
        self.deviation = deviation
        self.level = level
        jumpVariance = deviation * deviation
        jumpLoss = -Double.expMinusOne(deviation * deviation / 2 - mean)
        jumpFactor = 1 - jumpLoss
    }

    /// The expected shortfall of holding the asset over a horizon, as a fraction of its price.
    ///
    /// `ES = 1 − E[e^x | x ≤ q]` with `P(x ≤ q) = 1 − level`.
    ///
    /// - Parameters:
    ///   - volatility: annualised, 0.65 is 65 %; finite, > 0.
    ///   - horizonSeconds: time to be out of the position, in seconds; finite, > 0.
    /// - Returns: 0…1; does not fall when either argument rises. Accurate to 1e-9 relative.
    /// - Source: Merton (1976); Rockafellar and Uryasev (2000) for the value at a quantile that is
    ///   only near: its error is of the second order. MODEL §3.4.
    public func expectedShortfall(volatility: Double, horizonSeconds: Double) -> Double {
        let (variance, years) = Self.terms(volatility, horizonSeconds)
        return JumpMixture.expectedShortfall(
            variance: variance, jumps: intensity * years, model: self)
    }

    /// The same from first guesses of this model's: as accurate, and in less than half the time.
    package func expectedShortfall(
        volatility: Double, horizonSeconds: Double, from guesses: inout QuantileGuesses
    ) -> Double {
        let (variance, years) = Self.terms(volatility, horizonSeconds)
        return JumpMixture.expectedShortfall(
            variance: variance, jumps: intensity * years, model: self,
            guess: guesses.guess(variance: variance, years: years))
    }

    /// The variance over a horizon, and its years.
    private static func terms(
        _ volatility: Double, _ horizonSeconds: Double
    ) -> (variance: Double, years: Double) {
        precondition(volatility > 0 && volatility.isFinite)
        precondition(horizonSeconds > 0 && horizonSeconds.isFinite)
        let years = horizonSeconds / (365 * 86_400)
        // Past this variance the price is as good as lost; keeps the arithmetic finite.
        return (min(volatility * volatility * years, 1e4), years)
    }
}
