import Quantities

/// The grid of published haircuts and the dead band that keeps them from flickering.
///
/// - Source: MODEL §4.3.
public struct TickGrid: Hashable, Sendable {
    /// Length of a tick in millionths; divides 1 000 000.
    public let tick: Int32

    /// - Parameter basisPoints: a whole number of hundredths of a basis point, > 0.
    public init(basisPoints: Double) {
        tick = Int32((basisPoints * 100).rounded())
    }

    /// Part of a tick below which a value counts as lying on it: binary noise, not risk.
    private static let noise = 1e-9

    /// The least tick that is not below a value in 0…1.
    public func roundedUp(_ value: Double) -> Ratio {
        let count = (value * 1e6 / Double(tick) - Self.noise).rounded(.up)
        return Ratio(millionths: Int32(min(max(count, 0) * Double(tick), 1e6)))
    }

    /// The tick published after `published`: up as soon as the value exceeds it, down only when
    /// the value is a whole tick below it.
    public func next(after published: Ratio?, value: Double) -> Ratio {
        let rounded = roundedUp(value)
        guard let published, rounded < published else { return rounded }
        let ticksBelow = (published.double - value) * 1e6 / Double(tick)
        return ticksBelow >= 1 - Self.noise ? rounded : published
    }

    /// The greatest tick that is not above a fraction given as numerator over denominator.
    ///
    /// - Parameters: value in money times 10^6 and notional in the same money; notional > 0.
    func weight(ofMillionths value: Int128, over notional: Int128) -> Ratio {
        guard value > 0 else { return .zero }
        let millionths = min(value / notional, 1_000_000)
        return Ratio(millionths: Int32(millionths) / tick * tick)
    }
}
