import RealModule

/// A generator whose sequence a seed fixes, on every machine and in every run.
///
/// - Source: Steele, Lea and Flood (2014), SplitMix64.
public struct ScenarioRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// A number with even chances; 0 ≤ it < 1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number with even chances in a range.
    public mutating func double(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + unit() * (range.upperBound - range.lowerBound)
    }

    /// A number whose logarithm has even chances, for sizes and rates; the range is above 0.
    public mutating func logarithmic(in range: ClosedRange<Double>) -> Double {
        Double.exp(double(in: Double.log(range.lowerBound)...Double.log(range.upperBound)))
    }

    /// Of the standard normal distribution, by Box and Muller (1958).
    public mutating func normal() -> Double {
        let radius = (-2 * Double.log(1 - unit())).squareRoot()
        return radius * Double.cos(2 * Double.pi * unit())
    }

    /// Of the exponential distribution with mean 1.
    public mutating func exponential() -> Double { -Double.log(1 - unit()) }

    /// Of the Pareto distribution with this exponent, > 0: 1 at least, `largest` at most.
    public mutating func pareto(exponent: Double, largest: Double) -> Double {
        let beyond = Double.pow(largest, -exponent)
        return Double.pow(1 - unit() * (1 - beyond), -1 / exponent)
    }

    /// The place of a weight that is drawn in proportion to it; some weight is above 0.
    public mutating func place(in weights: [Double]) -> Int {
        var rest = unit() * weights.reduce(0, +)
        for (place, weight) in weights.enumerated() {
            if rest < weight { return place }
            rest -= weight
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }
}
