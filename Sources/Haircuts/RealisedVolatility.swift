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
    package var state = State()

    /// What is remembered from price to price.
    package struct State: Hashable, Sendable {
        package var variance = 0.0
        package var returns = 0
        package var open: Bar?
        package var closed: Bar?

        package init() {}
    }

    package struct Bar: Hashable, Sendable {
        package var period: Int64
        package var price: Double

        package init(period: Int64, price: Double) {
            self.period = period
            self.price = price
        }
    }

    /// Mean square return a bar; meaningless while `returns` is 0.
    public var variance: Double { state.variance }
    /// Returns seen.
    public var returns: Int { state.returns }

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
        let period = time.period(ofSeconds: barSeconds, expected: state.open?.period)
        if let last = state.open, last.period < period {
            if let closed = state.closed {
                add(
                    logReturn: Double.log(last.price / closed.price),
                    bars: Int(last.period - closed.period))
            }
            state.closed = last
        }
        state.open = Bar(period: max(period, state.open?.period ?? period), price: price)
    }

    /// Takes a logarithmic return over a number of bars; ≥ 1.
    public mutating func add(logReturn: Double, bars: Int) {
        let square = logReturn * logReturn / Double(bars)
        if returns == 0 {
            state.variance = square
        } else {
            let weight = square >= variance ? 1 - Double.pow(decay, bars) : 1 - decay
            state.variance += weight * (square - variance)
        }
        state.returns += 1
    }
}
