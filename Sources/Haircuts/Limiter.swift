import Quantities

/// Moves a haircut towards its target in bounded steps.
///
/// Allowance accumulates with time, for at most five seconds a step: an outage earns no leap.
///
/// - Source: MODEL §4.1.
public struct Limiter: Hashable, Sendable {
    /// Points a minute, as fractions.
    public let upPerMinute: HaircutParameters.PerState
    public let downPerMinute: Double

    public static let mostSecondsPerStep = 5.0

    public init(upPerMinute: HaircutParameters.PerState, downPerMinute: Double) {
        self.upPerMinute = upPerMinute
        self.downPerMinute = downPerMinute
    }

    /// For initial and maintenance haircuts.
    public init(_ parameters: HaircutParameters) {
        self.init(
            upPerMinute: parameters.limiterUpPerMinute,
            downPerMinute: parameters.limiterDownPerMinute)
    }

    /// For scan ranges: slower up, as fast down.
    public init(scan parameters: HaircutParameters) {
        let (up, share) = (parameters.limiterUpPerMinute, parameters.scanLimiterShare)
        self.init(
            upPerMinute: .init(
                normal: up.normal * share, elevated: up.elevated * share,
                stressed: up.stressed * share),
            downPerMinute: parameters.limiterDownPerMinute)
    }

    /// The value after some seconds; the target itself where there was none.
    public func step(
        from value: Double?, towards target: Double, state: BreakerState, seconds: Double
    ) -> Double {
        guard let value else { return target }
        let minutes = min(max(seconds, 0), Self.mostSecondsPerStep) / 60
        return move(value, towards: target, state: state, minutes: minutes)
    }

    /// Where the value will be in a minute if target and state stay.
    public func projection(
        from value: Double, towards target: Double, state: BreakerState
    ) -> Double {
        move(value, towards: target, state: state, minutes: 1)
    }

    private func move(
        _ value: Double, towards target: Double, state: BreakerState, minutes: Double
    ) -> Double {
        if target >= value {
            let rate =
                switch state {
                case .normal: upPerMinute.normal
                case .elevated: upPerMinute.elevated
                case .stressed, .frozen: upPerMinute.stressed
                }
            return min(target, value + rate * minutes)
        }
        return state == .normal ? max(target, value - downPerMinute * minutes) : value
    }
}
