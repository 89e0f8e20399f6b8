import Quantities

/// Every adjustable number of MODEL §1–§6 for one asset.
///
/// Fractions are fractions (0.02 is 2 %), volatilities are annualised, money is in the valuation
/// currency, and a unit that is not in the type ends the name. Names are those of the
/// configuration.
public struct HaircutParameters: Hashable, Sendable {
    // Jumps (§3.4)
    /// Jumps a year, λ.
    public var jumpIntensity: Double
    /// Mean size of a jump down in log price, μ_J.
    public var jumpMean: Double
    /// Standard deviation of a jump in log price, δ_J.
    public var jumpDeviation: Double
    /// The tail of the expected shortfall: 0.995 takes the mean of the worst 0.5 %.
    public var expectedShortfallLevel = 0.995

    // Bounds of a target (§3.7)
    public var floor: Double
    public var cap = 1.0

    // Volatility (§2)
    public var volatilityFloor: Double
    public var stressVolatility: Double
    /// Weight of the stressed variance in the variance used.
    public var stressWeight = 0.25
    /// Deviations out of the money, on the put side, at which the wing is read.
    public var wingDeviations = 2.0

    // Time and size of an unwind (§3.1–§3.3)
    public var detectionSeconds = 900.0
    public var horizonDaysMax = 60.0
    /// Share of the usable volume a day that an unwind may take.
    public var participation = 0.10
    /// Share of the average daily volume that is there when it matters.
    public var usableVolume = 0.5
    /// Least ratio of depth to its baseline.
    public var depthFloor = 0.01
    /// Stressed depth as a share of the prior.
    public var stressDepthRatio = 0.25
    /// Share of the system's collateral that is unwound along with a holding.
    public var systemShare = 0.10

    // Liquidity (§3.5)
    /// Impact in daily deviations of trading one day's usable volume.
    public var impactCoefficient = 1.0
    public var spreadDeviations = 3.0

    // Peg, divergence and confidence (§3.6, §3.8, §1)
    public var pegThreshold = 0.99
    /// Haircut points a point of price below the threshold; 0 where there is no peg.
    public var pegFactor: Double
    public var divergenceTolerance = 0.005
    public var divergenceCap = 0.25
    public var confidenceThreshold = 0.55
    /// Dispersion of the sources at which confidence is 0.
    public var dispersionTolerance = 0.05

    // From target to initial and maintenance (§3.8)
    public var initialBuffer = 1.25
    public var maintenanceFactor = 0.8
    public var maintenanceCurvature = 0.2

    // Publication (§4)
    /// Step of published haircuts; a whole number of hundredths of a basis point.
    public var roundingBasisPoints = 5.0
    public var limiterUpPerMinute = PerState(normal: 0.005, elevated: 0.01, stressed: 0.02)
    public var limiterDownPerMinute = 0.0005
    /// How fast scan ranges rise, over how fast haircuts may: positions in derivatives are larger
    /// for what stands behind them, so that a point of range forces more than a point of haircut.
    public var scanLimiterShare = 0.15
    public var validitySeconds = 30.0
    /// Initial haircut, at least, past the validity.
    public var fallback: Double
    /// Notionals at which the table is computed, increasing, > 0.
    public var notionals: [FixedDecimal] = [
        100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 100_000_000, 250_000_000,
    ].map { FixedDecimal($0) }
    public var publishIntervalMilliseconds = 100.0
    public var heartbeatMilliseconds = 1_000.0
    public var priceToleranceBasisPoints = 5.0

    // Governor (§5)
    public var governorShare = 0.25
    public var governorBucketMinutes = 15.0
    public var governorMaxHold = 0.05

    // Circuit breaker (§6)
    public var spreadLimitBasisPoints: Double
    public var elevatedDeviations = 5.0
    public var stressedDeviations = 8.0
    public var quoteStaleSeconds = 60.0
    public var surfaceStaleSeconds = 120.0
    public var dwellSeconds = 900.0

    // Margin (§8)
    /// Least scan range.
    public var scanFloor: Double

    /// One number for each breaker state that moves.
    public struct PerState: Hashable, Sendable {
        public var normal: Double
        public var elevated: Double
        public var stressed: Double

        public init(normal: Double, elevated: Double, stressed: Double) {
            self.normal = normal
            self.elevated = elevated
            self.stressed = stressed
        }
    }

    /// The defaults of a class, the table at the end of MODEL §3.
    public init(_ assetClass: AssetClass) {
        switch assetClass {
        case .major:
            (jumpIntensity, jumpMean, jumpDeviation) = (12, 0.05, 0.04)
            (floor, volatilityFloor, stressVolatility) = (0.02, 0.40, 1.20)
            (spreadLimitBasisPoints, scanFloor, fallback, pegFactor) = (5, 0.10, 0.30, 0)
        case .alt:
            (jumpIntensity, jumpMean, jumpDeviation) = (24, 0.08, 0.06)
            (floor, volatilityFloor, stressVolatility) = (0.08, 0.70, 2.50)
            (spreadLimitBasisPoints, scanFloor, fallback, pegFactor) = (50, 0.20, 0.60, 0)
        case .stable:
            (jumpIntensity, jumpMean, jumpDeviation) = (2, 0.02, 0.02)
            (floor, volatilityFloor, stressVolatility) = (0.005, 0.05, 0.30)
            (spreadLimitBasisPoints, scanFloor, fallback, pegFactor) = (10, 0.03, 0.10, 4)
        }
    }
}
