import Quantities
import RealModule

/// The volatility of closed bars, an exponentially weighted mean square that rises at once and
/// forgets by elapsed bars.
///
/// A bar closes when shard time passes its end; what arrives first afterwards closes it with the
/// last price before. A return over n bars weighs as one when it is calmer than what is known (a
/// quiet gap must not erase a storm) and as n when it is not.
///
/// - Source: MODEL §1.
public struct RealisedVolatility: Hashable, Sendable {
    /// Length of a bar in seconds and the weight of the past a bar.
    public let barSeconds: Int64
    public let decay: Double
    /// Mean square return a bar; meaningless while `returns` is 0.
    public private(set) var variance = 0.0
    /// Returns seen.
    public private(set) var returns = 0

    private var open: Bar?
    private var closed: Bar?

    private struct Bar: Hashable, Sendable {
        var period: Int64
        var price: Double
    }

    /// Returns after which the volatility is defined.
    public static let leastReturns = 12

    /// 5-minute bars, λ 0.94.
    public static let fast = RealisedVolatility(barSeconds: 300, decay: 0.94)
    /// Daily bars, λ 0.97.
    public static let slow = RealisedVolatility(barSeconds: 86_400, decay: 0.97)

    public init(barSeconds: Int64, decay: Double) {
        self.barSeconds = barSeconds
        self.decay = decay
    }

    /// Annualised; nil until twelve returns were seen.
    public var volatility: Double? {
        returns >= Self.leastReturns ? annualised : nil
    }

    /// What `volatility` will be, defined from the first return on.
    public var annualised: Double {
        (variance * 31_536_000 / Double(barSeconds)).squareRoot()
    }

    /// Takes a price; > 0. Time does not go back.
    public mutating func update(price: Double, at time: Instant) {
        let period = time.period(ofSeconds: barSeconds)
        if let last = open, last.period < period {
            if let closed {
                add(
                    logReturn: Double.log(last.price / closed.price),
                    bars: Int(last.period - closed.period))
            }
            closed = last
        }
        open = Bar(period: max(period, open?.period ?? period), price: price)
    }

    /// Takes a logarithmic return over a number of bars; ≥ 1.
    public mutating func add(logReturn: Double, bars: Int) {
        let square = logReturn * logReturn / Double(bars)
        if returns == 0 {
            variance = square
        } else {
            let weight = square >= variance ? 1 - Double.pow(decay, bars) : 1 - decay
            variance += weight * (square - variance)
        }
        returns += 1
    }
}
