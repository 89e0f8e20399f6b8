import Quantities

/// The medians of depth and spread over a day, sampled every five minutes.
///
/// A sample is what was in force when its five minutes ended; minutes in which no book came give
/// none.
///
/// - Source: MODEL §1.
public struct Baseline: Hashable, Sendable {
    /// Medians over the last 24 h; nil until 36 samples are held.
    public private(set) var depth: Double?
    public private(set) var spread: Double?

    private var samples: [Sample] = []
    /// Where values are sorted; kept, so that closing a sample allocates nothing.
    private var sorted: [Double] = []
    private var current: Sample?

    private struct Sample: Hashable, Sendable {
        var period: Int64
        var depth: Double
        var spread: Double
    }

    public static let periodSeconds: Int64 = 300
    public static let periods = 288
    public static let leastSamples = 36

    public init() {
        samples.reserveCapacity(Self.periods + 1)
        sorted.reserveCapacity(Self.periods + 1)
    }

    /// Takes the depth (valuation currency) and spread (fraction of mid) of a book; time does not
    /// go back. True when a sample closed.
    @discardableResult
    public mutating func update(depth: Double, spread: Double, at time: Instant) -> Bool {
        let period = time.period(ofSeconds: Self.periodSeconds)
        defer { current = Sample(period: period, depth: depth, spread: spread) }
        guard let last = current, last.period < period else { return false }
        samples.append(last)
        samples.removeAll { $0.period < period - Int64(Self.periods) }
        if samples.count >= Self.leastSamples {
            self.depth = median { $0.depth }
            self.spread = median { $0.spread }
        } else {
            self.depth = nil
            self.spread = nil
        }
        return true
    }

    private mutating func median(_ value: (Sample) -> Double) -> Double {
        sorted.removeAll(keepingCapacity: true)
        for sample in samples { sorted.append(value(sample)) }
        sorted.sort()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1
            ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
