/// A small generator whose sequence a seed fixes, on every machine: a failing property prints its
/// seed and runs again.
///
/// - Source: Steele, Lea and Flood (2014), SplitMix64.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    public var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// A number with even chances in a range.
    public mutating func double(in range: ClosedRange<Double>) -> Double {
        let unit = Double(next() >> 11) * 0x1p-53
        return range.lowerBound + unit * (range.upperBound - range.lowerBound)
    }

    /// A number whose logarithm has even chances: for sizes, prices and times.
    public mutating func logarithmic(in range: ClosedRange<Double>) -> Double {
        exponential(double(in: logarithm(range.lowerBound)...logarithm(range.upperBound)))
    }

    /// A number from 1 up with a heavy tail: at least x with chance x^−exponent.
    public mutating func pareto(exponent: Double) -> Double {
        exponential(-logarithm(double(in: 1e-6...1)) / exponent)
    }
}
