import RealModule

/// From the volatilities seen to the one used, never far below a stressed one.
///
/// - Source: MODEL §2; EMIR RTS 153/2013 Art. 28(1)(b) for the weight of stress.
public struct VolatilityMix: Hashable, Sendable {
    /// σ_stress, annualised, > 0.
    public var stressVolatility: Double
    /// σ_floor, annualised, > 0.
    public var volatilityFloor: Double
    /// Weight of the stressed variance, 0…1.
    public var stressWeight: Double

    public init(stressVolatility: Double, volatilityFloor: Double, stressWeight: Double) {
        self.stressVolatility = stressVolatility
        self.volatilityFloor = volatilityFloor
        self.stressWeight = stressWeight
    }

    public init(_ parameters: HaircutParameters) {
        self.init(
            stressVolatility: parameters.stressVolatility,
            volatilityFloor: parameters.volatilityFloor, stressWeight: parameters.stressWeight)
    }

    /// σ_cur: the highest of the volatilities that are defined and the floor; σ_stress if none is.
    public func current(implied: Double?, fast: Double?, slow: Double?) -> Double {
        if implied == nil && fast == nil && slow == nil { return stressVolatility }
        return max(volatilityFloor, implied ?? 0, max(fast ?? 0, slow ?? 0))
    }

    /// σ(T), annualised.
    ///
    /// - Parameters:
    ///   - implied: σ_IV(T), ≥ 0; nil without a surface.
    ///   - fast: of 5-minute bars, ≥ 0; nil until defined.
    ///   - slow: of daily bars, ≥ 0; nil until defined.
    /// - Returns: at least each of them and the floor.
    public func used(implied: Double?, fast: Double?, slow: Double?) -> Double {
        let current = current(implied: implied, fast: fast, slow: slow)
        let stressed = max(stressVolatility, current)
        if stressed == current { return current }
        return
            ((1 - stressWeight) * current * current + stressWeight * stressed * stressed)
            .squareRoot()
    }
}
