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

    /// Terms of the mixture kept: 0…23 jumps, enough where λT ≤ 4.
    public static let mostTerms = 24

    private let jumpVariance: Double
    /// `1 − E[e^jump]`, the mean loss of one jump, and its complement.
    private let jumpLoss: Double
    private let jumpFactor: Double

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
        precondition(volatility > 0 && volatility.isFinite)
        precondition(horizonSeconds > 0 && horizonSeconds.isFinite)
        let years = horizonSeconds / (365 * 86_400)
        // Past this variance the price is as good as lost; keeps the arithmetic finite.
        let variance = min(volatility * volatility * years, 1e4)
        let mixture = mixture(variance: variance, jumps: intensity * years)
        return mixture.expectedShortfall()
    }

    /// The normals that make the return, one a number of jumps, lightest tails first.
    private func mixture(variance: Double, jumps: Double) -> Mixture {
        var mixture = Mixture(tail: 1 - level)
        var weight = Double.exp(-jumps)
        var kept = 1.0
        var loss = 0.0
        for number in 0..<Self.mostTerms {
            let count = Double(number)
            let termVariance = variance + count * jumpVariance
            let deviation = termVariance.squareRoot()
            mixture.append(
                .init(
                    weight: weight, mean: -variance / 2 - count * mean, deviation: deviation,
                    inverse: 1 / deviation, factor: kept, loss: loss))
            loss += kept * jumpLoss
            kept *= jumpFactor
            weight *= jumps / (count + 1)
            if count + 1 > jumps && weight < 1e-18 { break }
        }
        return mixture
    }
}

/// A mixture of at most 24 normals whose left tail is asked for; lives on the stack.
struct Mixture {
    struct Term {
        var weight: Double
        var mean: Double
        var deviation: Double
        var inverse: Double
        /// `E[e^x]` of the term.
        var factor: Double
        /// `1 − factor`, without the cancellation.
        var loss: Double

        static let none = Term(
            weight: 0, mean: 0, deviation: 1, inverse: 1, factor: 1, loss: 0)
    }

    /// Probability of the tail, 1 − level.
    let tail: Double
    private(set) var count = 0
    private var terms = InlineArray<24, Term>(repeating: .none)

    init(tail: Double) { self.tail = tail }

    mutating func append(_ term: Term) {
        terms[count] = term
        count += 1
    }

    /// Distribution function at a point, its density and the density's slope.
    struct Point {
        var probability = 0.0
        var density = 0.0
        var slope = 0.0
    }

    func point(at quantile: Double) -> Point {
        var point = Point()
        for index in 0..<count {
            let term = terms[index]
            let z = (quantile - term.mean) * term.inverse
            // Beyond nine deviations a tail is below 1e-18 of its term.
            if z < -9 { continue }
            if z > 9 {
                point.probability += term.weight
                continue
            }
            let density = term.weight * normalDensity(z) * term.inverse
            point.probability += term.weight * normalDistribution(z)
            point.density += density
            point.slope -= density * z * term.inverse
        }
        return point
    }

    /// `E[1 − e^x; x ≤ quantile]`.
    func loss(below quantile: Double) -> Double {
        var sum = 0.0
        for index in 0..<count {
            let term = terms[index]
            let z = (quantile - term.mean) * term.inverse
            if z < -9 { continue }
            let probability = normalDistribution(z)
            sum +=
                term.weight
                * (term.loss * probability
                    + term.factor * shiftedDifference(z, term.deviation, probability))
        }
        return sum
    }

    /// `Φ(z) − Φ(z − s)` for s > 0, by Taylor's series where the difference would cancel.
    private func shiftedDifference(_ z: Double, _ s: Double, _ probability: Double) -> Double {
        if s >= 0.004 { return probability - normalDistribution(z - s) }
        let z2 = z * z
        let fourth = (z2 - 3) * z / 24
        let fifth = ((z2 - 6) * z2 + 3) / 120
        let series = 1 + s * (z / 2 + s * ((z2 - 1) / 6 + s * (fourth + s * fifth)))
        return normalDensity(z) * s * series
    }

    func expectedShortfall() -> Double {
        let quantile = quantile()
        let point = point(at: quantile)
        let excess = (point.probability - tail) * Double.expMinusOne(quantile)
        return min(1, max(0, (loss(below: quantile) + excess) / tail))
    }

    /// The point below which the tail's probability lies.
    ///
    /// Newton's method with Halley's correction on the logarithm of the distribution, inside a
    /// bracket that every evaluation narrows; halves it where a step would leave it.
    func quantile() -> Double {
        // The quantile of a mixture lies between those of its terms.
        var low = terms[count - 1].mean - 10 * terms[count - 1].deviation
        var high = terms[0].mean
        var quantile = start()
        for _ in 0..<200 {
            if !(quantile > low && quantile < high) { quantile = (low + high) / 2 }
            let point = point(at: quantile)
            if point.probability < tail { low = quantile } else { high = quantile }
            if isClose(point, at: quantile) || high - low <= 1e-15 * -low { return quantile }
            let ratio = point.density / point.probability
            let value = Double.log(point.probability / tail)
            let step = value / ratio
            let curvature = point.slope / point.density - ratio
            quantile -= step / max(0.5, 1 - 0.5 * step * curvature)
        }
        return quantile
    }

    private func start() -> Double {
        var mean = 0.0
        var square = 0.0
        for index in 0..<count {
            mean += terms[index].weight * terms[index].mean
            square +=
                terms[index].weight
                * (terms[index].mean * terms[index].mean
                    + terms[index].deviation * terms[index].deviation)
        }
        return mean - 2.6 * max(0, square - mean * mean).squareRoot()
    }

    /// Whether the value that follows from this point is within 1e-11 of the exact one: its error
    /// is `e^q (F − α)²/(2αf)`, and the value at least `1 − e^q`.
    private func isClose(_ point: Point, at quantile: Double) -> Bool {
        let excess = point.probability - tail
        if excess == 0 { return true }
        let distance = abs(excess) / point.density
        return abs(excess) < 0.02 * tail
            && distance * abs(point.slope) < 0.5 * point.density
            && abs(excess) * distance < 2e-12 * tail * -Double.expMinusOne(quantile)
    }
}

/// The standard normal density.
func normalDensity(_ z: Double) -> Double {
    0.398942280401432677939946 * Double.exp(-0.5 * z * z)
}

/// The standard normal distribution function, accurate in the left tail.
func normalDistribution(_ z: Double) -> Double {
    0.5 * Double.erfc(-0.707106781186547524400844 * z)
}
