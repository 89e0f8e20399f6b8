/// A published fraction, in whole millionths: 0.0525 is 52 500.
///
/// Haircuts are published on a grid of basis points; counting in millionths keeps sums and
/// comparisons of published haircuts and weights exact and their JSON free of binary noise.
public struct Ratio: Hashable, Comparable, Sendable {
    public var millionths: Int32

    public static let zero = Ratio(millionths: 0)
    public static let one = Ratio(millionths: 1_000_000)

    @inlinable
    public init(millionths: Int32) {
        self.millionths = millionths
    }

    @inlinable
    public var double: Double { Double(millionths) / 1e6 }

    /// 1 − this: the weight that goes with a haircut.
    @inlinable
    public var complement: Ratio { Ratio(millionths: 1_000_000 - millionths) }

    @inlinable
    public static func < (left: Ratio, right: Ratio) -> Bool { left.millionths < right.millionths }
}
