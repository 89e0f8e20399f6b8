import RealModule

extension Black76 {
    /// Prices of one option at four forwards and deviations at once, without branches; as `price`,
    /// to 1e-12 of the smaller of forward and strike.
    ///
    /// With `d = |ln(F/K)|/s`, `e = high·φ(d + s/2)`, Mills' ratio M, the option out of the money
    /// is worth `e·(M(d − s/2) − M(d + s/2))`, since `low·φ(d − s/2) = high·φ(d + s/2)`.
    ///
    /// - Parameters:
    ///   - forwards: > 0.
    ///   - logMoneyness: `ln(F/K)` of each.
    ///   - deviations: volatility times the root of the years, > 0.
    @inline(__always)
    package static func prices(
        _ right: Right, strike: Double, forwards: SIMD4<Double>, logMoneyness: SIMD4<Double>,
        deviations: SIMD4<Double>
    ) -> SIMD4<Double> {
        let strikes = Lanes(repeating: strike)
        let low = pointwiseMin(forwards, strikes)
        let high = pointwiseMax(forwards, strikes)
        // Beyond this the density counts as that of ±37: below 1e-297.
        let distance = pointwiseMin(logMoneyness.magnitudes / deviations, Lanes(repeating: 1e6))
        let half = deviations * 0.5
        let far = distance + half
        let near = distance - half
        let weight = high * normalDensity(far)
        let farRatio = millsRatio(far)
        let nearRatio = millsRatio(near.magnitudes)
        let outside = weight * (nearRatio - farRatio)
        let inside = low - weight * (nearRatio + farRatio)
        let value = outside.replacing(with: inside, where: near .< 0)
        let difference = right == .call ? forwards - strikes : strikes - forwards
        let intrinsic = pointwiseMax(difference, Lanes(repeating: 0))
        return intrinsic + value.clamped(lowerBound: Lanes(repeating: 0), upperBound: low)
    }
}
