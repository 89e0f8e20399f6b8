import Quantities
import RealModule

/// Total variance by horizon, read off a surface at one moment.
///
/// A value that is updated again and again: it keeps its storage.
public struct VolatilityCurve: Sendable {
    /// One expiry: years ahead and total variance, neither falling from one to the next.
    public struct Slice: Hashable, Sendable {
        public var tau: Double
        public var variance: Double
    }

    /// By expiry, the running maximum taken; empty where there is no surface.
    public private(set) var slices: [Slice] = []

    public init() {}

    /// Forgets the surface: there is no implied volatility until the next update.
    public mutating func removeAll() {
        slices.removeAll(keepingCapacity: true)
    }

    /// Reads the slices of a surface: those less than a day ahead only if all are.
    ///
    /// - Parameters:
    ///   - surface: what the gate passed.
    ///   - time: shard time; expiries at or before it no longer count.
    ///   - wingDeviations: deviations below the forward at which the wing is read, ≥ 0.
    /// - Source: MODEL §2.
    public mutating func update(
        _ surface: PreparedSurface, at time: Instant, wingDeviations: Double
    ) {
        slices.removeAll(keepingCapacity: true)
        let last = surface.expiries.last?.expiry.seconds(since: time) ?? 0
        var highest = 0.0
        for expiry in surface.expiries {
            let seconds = expiry.expiry.seconds(since: time)
            if seconds <= 0 || (seconds < 86_400 && last >= 86_400) { continue }
            let tau = seconds / (365 * 86_400)
            highest = max(
                highest,
                surface.sliceVariance(of: expiry, years: tau, wingDeviations: wingDeviations))
            slices.append(Slice(tau: tau, variance: highest))
        }
    }

    /// Total variance up to a horizon: linear between slices, in proportion before the first, flat
    /// forward variance after the last.
    ///
    /// - Parameter years: > 0.
    /// - Returns: ≥ 0, not falling; nil where there is no slice.
    public func totalVariance(years: Double) -> Double? {
        guard let first = slices.first else { return nil }
        if years <= first.tau { return first.variance * (years / first.tau) }
        var index = 1
        while index < slices.count && slices[index].tau < years { index += 1 }
        if index < slices.count {
            let (left, right) = (slices[index - 1], slices[index])
            return interpolated(
                at: years, from: (left.tau, left.variance), to: (right.tau, right.variance))
        }
        let last = slices[index - 1]
        let before = index > 1 ? slices[index - 2] : Slice(tau: 0, variance: 0)
        let forward = (last.variance - before.variance) / (last.tau - before.tau)
        return last.variance + (years - last.tau) * forward
    }

    /// σ_IV(T), annualised.
    ///
    /// - Parameter horizonSeconds: > 0.
    /// - Returns: > 0; nil where there is no slice.
    public func volatility(horizonSeconds: Double) -> Double? {
        let years = horizonSeconds / (365 * 86_400)
        guard let variance = totalVariance(years: years) else { return nil }
        return (variance / years).squareRoot()
    }
}
