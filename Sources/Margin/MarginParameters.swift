/// Every adjustable number of MODEL §8, under its name in the configuration's `margin`.
public struct MarginParameters: Hashable, Sendable {
    /// Initial requirement over maintenance requirement.
    public var initialMultiplier = 1.25
    /// Part of debts in the scale S.
    public var debtScale = 0.10
    /// Initial excess, in S, below which an account is warned.
    public var warningBuffer = 0.25
    /// How far beyond its line, in S, a worse status is left.
    public var hysteresis = 0.02
    /// Maintenance excess, in S, a plan lifts an account to.
    public var planTarget = 0.05
    /// Cost of a trade besides its impact, as a fraction.
    public var feeBasisPoints = 10.0
    /// Most of an asset's depth one tranche may take, and the time between tranches.
    public var trancheShare = 0.25
    public var trancheSeconds = 60.0
    /// Of the notional of short options, added to the worst scenario.
    public var shortOptionCharge = 0.005
    /// Share of the result of the scenarios of two ranges.
    public var extremeShare = 0.35
    /// Volatility shifts: 1 + up·(30 days/τ)^exponent and 1 − down·(30 days/τ)^exponent.
    public var volatilityUp = 0.5
    public var volatilityDown = 0.25
    public var volatilityExponent = 0.30

    // Publication (docs/contracts.md)
    /// Move of an excess, as a fraction of the requirement, that is worth a refresh.
    public var refreshTolerance = 0.01
    public var refreshHealthyMilliseconds = 5_000.0
    public var refreshMilliseconds = 250.0
    public var heartbeatMinutes = 10.0
    /// Refreshes a second and worker.
    public var refreshesPerSecond = 20_000.0
    /// Most often an exposure of one asset is published.
    public var exposureMilliseconds = 1_000.0

    public init() {}
}
