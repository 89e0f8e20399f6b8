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

    private(set) var samples: [Sample] = []
    /// Where values are sorted; kept, so that closing a sample allocates nothing.
    private var sorted: [Double] = []
    private(set) var current: Sample?

    /// What was in force when the five minutes of this number ended.
    package struct Sample: Hashable, Sendable {
        package var period: Int64
        package var depth: Double
        package var spread: Double

        package init(period: Int64, depth: Double, spread: Double) {
            self.period = period
            self.depth = depth
            self.spread = spread
        }
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
        let period = time.period(ofSeconds: Self.periodSeconds, expected: current?.period)
        defer { current = Sample(period: period, depth: depth, spread: spread) }
        guard let last = current, last.period < period else { return false }
        samples.append(last)
        samples.removeAll { $0.period < period - Int64(Self.periods) }
        takeMedians()
        return true
    }

    /// Takes back what a checkpoint kept: the closed samples, oldest first, and the open one.
    mutating func restore(samples: [Sample], current: Sample?) {
        self.samples.removeAll(keepingCapacity: true)
        self.samples.append(contentsOf: samples.suffix(Self.periods))
        self.current = current
        takeMedians()
    }

    private mutating func takeMedians() {
        if samples.count >= Self.leastSamples {
            depth = median { $0.depth }
            spread = median { $0.spread }
        } else {
            depth = nil
            spread = nil
        }
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
