import Quantities

/// A change of an asset's breaker state: `breaker.v1`.
public struct BreakerChange: Hashable, Sendable {
    public var asset: Identifier
    public var time: Instant
    public var from: BreakerState
    public var to: BreakerState
    /// What holds the new state; on the way down, what still does.
    public var reasons: BreakerReasons
    /// When the trouble that is now over, or now begins, began.
    public var since: Instant

    public init(
        asset: Identifier, time: Instant, from: BreakerState, to: BreakerState,
        reasons: BreakerReasons, since: Instant
    ) {
        self.asset = asset
        self.time = time
        self.from = from
        self.to = to
        self.reasons = reasons
        self.since = since
    }

    /// A change that says nothing, to decode into.
    public static let blank = BreakerChange(
        asset: .unnamed, time: Instant(nanoseconds: 0), from: .normal, to: .normal, reasons: [],
        since: Instant(nanoseconds: 0))
}

/// Why a breaker is open (MODEL §6).
public struct BreakerReasons: OptionSet, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    // elevated
    public static let returnOneMinute = BreakerReasons(rawValue: 1 << 0)
    public static let returnFiveMinutes = BreakerReasons(rawValue: 1 << 1)
    public static let returnThirtyMinutes = BreakerReasons(rawValue: 1 << 2)
    public static let fastVolatility = BreakerReasons(rawValue: 1 << 3)
    public static let depthBelowHalf = BreakerReasons(rawValue: 1 << 4)
    public static let wideSpread = BreakerReasons(rawValue: 1 << 5)
    public static let surfaceStale = BreakerReasons(rawValue: 1 << 6)
    public static let governorHolding = BreakerReasons(rawValue: 1 << 7)
    // stressed
    public static let returnOneMinuteStressed = BreakerReasons(rawValue: 1 << 8)
    public static let returnFiveMinutesStressed = BreakerReasons(rawValue: 1 << 9)
    public static let returnThirtyMinutesStressed = BreakerReasons(rawValue: 1 << 10)
    public static let depthBelowFifth = BreakerReasons(rawValue: 1 << 11)
    public static let emptySide = BreakerReasons(rawValue: 1 << 12)
    public static let branchingHalf = BreakerReasons(rawValue: 1 << 13)
    // frozen
    public static let quoteStale = BreakerReasons(rawValue: 1 << 14)
    public static let quoteAndSurfaceStale = BreakerReasons(rawValue: 1 << 15)
    public static let runawayInDoubt = BreakerReasons(rawValue: 1 << 16)
    public static let freezeControl = BreakerReasons(rawValue: 1 << 17)

    /// Each reason with its published name, in published order.
    public static let names: [(reason: BreakerReasons, name: StaticString)] = [
        (.returnOneMinute, "return-1m"), (.returnFiveMinutes, "return-5m"),
        (.returnThirtyMinutes, "return-30m"), (.fastVolatility, "fast-volatility"),
        (.depthBelowHalf, "depth-below-half"), (.wideSpread, "wide-spread"),
        (.surfaceStale, "surface-stale"), (.governorHolding, "governor-holding"),
        (.returnOneMinuteStressed, "return-1m-stressed"),
        (.returnFiveMinutesStressed, "return-5m-stressed"),
        (.returnThirtyMinutesStressed, "return-30m-stressed"),
        (.depthBelowFifth, "depth-below-fifth"), (.emptySide, "empty-side"),
        (.branchingHalf, "branching-half"), (.quoteStale, "quote-stale"),
        (.quoteAndSurfaceStale, "quote-and-surface-stale"),
        (.runawayInDoubt, "runaway-in-doubt"), (.freezeControl, "freeze-control"),
    ]
}
