import Market
import Quantities
import RealModule

/// Why the gate refused a surface.
public struct SurfaceRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, CaseIterable, Sendable {
        /// No expiry lies ahead.
        case expired
        /// Strikes and volatilities differ in number, there are none, or a forward is not above 0.
        case malformed
        case expiryOrder = "expiry-order"
        case strikeOrder = "strike-order"
        /// A volatility is not above 0 and at most 10, or not a number.
        case volatility
        /// Total variance at the forward falls from one expiry to the next.
        case calendar
        /// An SVI slice breaks a condition on its parameters.
        case parameters
        /// An SVI slice implies a negative density.
        case density
    }

    public var reason: Reason
    /// A sentence for a person: where and what.
    public var message: String

    public var description: String { message }

    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

/// Decides whether a surface may be used: a refused one is dropped, and the last good one ages.
///
/// - Source: MODEL §2; Gatheral and Jacquier (2014) for the conditions on SVI.
public enum SurfaceGate {
    /// The highest volatility taken for one, annualised: 1000 %.
    public static let highestVolatility = 10.0

    /// - Parameter time: shard time; expiries at or before it are left out of the judgement.
    /// - Throws: the first condition the surface breaks.
    public static func check(_ surface: Surface, at time: Instant) throws(SurfaceRefusal) {
        var previousExpiry: Instant?
        var previousVariance = 0.0
        for expiry in surface.expiries where expiry.expiry > time {
            if let previousExpiry, expiry.expiry <= previousExpiry {
                throw SurfaceRefusal(
                    .expiryOrder, "Expiry \(expiry.expiry) does not come after the one before it.")
            }
            previousExpiry = expiry.expiry
            guard expiry.forward > .zero else {
                throw SurfaceRefusal(
                    .malformed, "The forward of expiry \(expiry.expiry) is not above 0.")
            }
            let years = expiry.expiry.years(since: time)
            let variance: Double
            switch expiry.smile {
            case .grid(let strikes, let volatilities):
                try check(strikes: strikes, volatilities: volatilities, of: expiry)
                variance =
                    years
                    * squaredVolatility(
                        atForward: expiry.forward, strikes: strikes, volatilities: volatilities)
            case .svi(let svi):
                try check(svi, of: expiry, years: years)
                variance = svi.totalVariance(at: 0)
            }
            // Equal variances may differ in their last digits.
            if variance < previousVariance * (1 - 1e-12) {
                throw SurfaceRefusal(
                    .calendar,
                    "Total variance at the forward falls from \(previousVariance) to \(variance)"
                        + " at expiry \(expiry.expiry).")
            }
            previousVariance = variance
        }
        if previousExpiry == nil {
            throw SurfaceRefusal(.expired, "No expiry of the surface lies after \(time).")
        }
    }
}

extension SurfaceGate {
    private static func check(
        strikes: [FixedDecimal], volatilities: [Double], of expiry: Surface.Expiry
    ) throws(SurfaceRefusal) {
        guard strikes.count == volatilities.count, let first = strikes.first, first > .zero else {
            throw SurfaceRefusal(
                .malformed,
                "Expiry \(expiry.expiry) must have strikes above 0 and one volatility for each.")
        }
        for index in strikes.indices {
            if index > 0 && strikes[index] <= strikes[index - 1] {
                throw SurfaceRefusal(
                    .strikeOrder,
                    "Strike \(strikes[index]) of expiry \(expiry.expiry) does not come after the"
                        + " one before it.")
            }
            let volatility = volatilities[index]
            if !(volatility > 0 && volatility <= highestVolatility) {
                throw SurfaceRefusal(
                    .volatility,
                    "Volatility \(volatility) at strike \(strikes[index]) of expiry"
                        + " \(expiry.expiry) is not above 0 and at most \(highestVolatility).")
            }
        }
    }

    private static func check(
        _ svi: Surface.SVI, of expiry: Surface.Expiry, years: Double
    ) throws(SurfaceRefusal) {
        if let condition = svi.brokenCondition {
            throw SurfaceRefusal(
                .parameters, "SVI of expiry \(expiry.expiry): \(condition).")
        }
        for index in 0...600 {
            let k = Double(index - 300) * 0.005
            let variance = svi.totalVariance(at: k)
            if !(variance > 0 && variance.isFinite) {
                throw SurfaceRefusal(
                    .volatility,
                    "SVI of expiry \(expiry.expiry) has total variance \(variance) at k = \(k).")
            }
            let density = svi.densityFactor(at: k)
            if !(density >= -1e-9) {
                throw SurfaceRefusal(
                    .density,
                    "SVI of expiry \(expiry.expiry) implies a negative density at k = \(k),"
                        + " g = \(density).")
            }
        }
        let volatility = (svi.totalVariance(at: 0) / years).squareRoot()
        if !(volatility <= highestVolatility) {
            throw SurfaceRefusal(
                .volatility,
                "SVI of expiry \(expiry.expiry) has volatility \(volatility) at the forward, above"
                    + " \(highestVolatility).")
        }
    }
}
