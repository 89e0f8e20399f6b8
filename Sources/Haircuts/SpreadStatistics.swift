import Quantities
import RealModule

/// The time-weighted exponential mean and standard deviation of the primary venue's spread, with
/// a half-life of ten minutes.
///
/// - Source: MODEL §1.
public struct SpreadStatistics: Hashable, Sendable {
    /// As fractions of mid; nil before the first book.
    public package(set) var mean: Double?
    package var variance = 0.0
    package var time = Instant(nanoseconds: 0)

    public static let halfLifeSeconds = 600.0

    public init() {}

    public var deviation: Double { variance.squareRoot() }

    /// Takes the spread of a book; ≥ 0. Time does not go back.
    public mutating func update(spread: Double, at time: Instant) {
        guard let mean else {
            self.mean = spread
            self.time = time
            return
        }
        let elapsed = max(0, time.seconds(since: self.time))
        let weight = 1 - Double.exp2(-elapsed / Self.halfLifeSeconds)
        let distance = spread - mean
        variance += weight * (distance * distance - variance)
        self.mean = mean + weight * distance
        self.time = time
    }
}
