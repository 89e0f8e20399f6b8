import Quantities
import RealModule

/// Everything the model reads of one asset's market at one moment.
///
/// Money in the valuation currency; spreads as fractions of mid.
public struct MarketState: Hashable, Sendable {
    /// Middle of the primary book and reference price of one unit; > 0.
    public var mid: Double
    public var reference: Double
    /// Running mean and standard deviation of the spread; ≥ 0.
    public var spread: Double
    public var spreadDeviation: Double
    /// Bids within 2 % of mid; ≥ 0.
    public var depth: Double
    /// The configured depth, > 0, and the larger of that and the day's median.
    public var depthPrior: Double
    public var depthBaseline: Double
    /// Traded a day that may be counted on; > 0.
    public var dailyVolume: Double
    /// Pledged in the whole system; ≥ 0.
    public var systemCollateral: Double
    /// Seconds since the newest primary book; ≥ 0.
    public var quoteAgeSeconds: Double
    /// In the reference, 0…1.
    public var confidence: Double
    /// Realised volatilities, annualised; nil where undefined.
    public var volatilityFast: Double?
    public var volatilitySlow: Double?

    public init(
        mid: Double, reference: Double, spread: Double, spreadDeviation: Double, depth: Double,
        depthPrior: Double, depthBaseline: Double, dailyVolume: Double, systemCollateral: Double,
        quoteAgeSeconds: Double, confidence: Double, volatilityFast: Double?,
        volatilitySlow: Double?
    ) {
        self.mid = mid
        self.reference = reference
        self.spread = spread
        self.spreadDeviation = spreadDeviation
        self.depth = depth
        self.depthPrior = depthPrior
        self.depthBaseline = depthBaseline
        self.dailyVolume = dailyVolume
        self.systemCollateral = systemCollateral
        self.quoteAgeSeconds = quoteAgeSeconds
        self.confidence = confidence
        self.volatilityFast = volatilityFast
        self.volatilitySlow = volatilitySlow
    }
}

/// The haircut of a holding of one size, with every step that leads to it.
public struct HoldingHaircut: Hashable, Sendable {
    /// Annualised, at the horizon.
    public var volatility: Double
    /// Value unwound: the holding and its share of the system's collateral.
    public var effective: Double
    public var horizonSeconds: Double
    /// Fractions, 0…1.
    public var market: Double
    public var liquidity: Double
    /// Clamped to floor and cap.
    public var target: Double
    public var initial: Double
    public var maintenance: Double
    public var scanDown: Double
    public var scanUp: Double
    /// `floor` or `cap` where the clamp changed the target.
    public var clampedBy: Bounds
}

/// MODEL §3: the haircuts a market calls for, before anything limits their pace.
public struct HaircutModel: Hashable, Sendable {
    public let parameters: HaircutParameters
    let jumps: JumpDiffusion
    private let mix: VolatilityMix

    /// The version of MODEL.md that this is.
    public static let version = "1"

    /// - Parameter parameters: without violations.
    public init(_ parameters: HaircutParameters) {
        self.parameters = parameters
        jumps = JumpDiffusion(
            intensity: parameters.jumpIntensity, mean: parameters.jumpMean,
            deviation: parameters.jumpDeviation, level: parameters.expectedShortfallLevel)
        mix = VolatilityMix(
            stressVolatility: parameters.stressVolatility,
            volatilityFloor: parameters.volatilityFloor, stressWeight: parameters.stressWeight)
    }

    /// The part of a haircut that does not depend on the size of the holding.
    public struct Shared: Hashable, Sendable {
        /// Value that may be traded a day, V.
        public var volume: Double
        /// Volatility of one day's return, σ_day.
        public var dailyDeviation: Double
        public var halfSpread: Double
        public var peg: Double
        public var divergence: Double
        public var confidence: Double
        fileprivate var systemValue: Double
    }

    /// σ(T), annualised: implied, realised and floor, blended with stress.
    public func volatility(
        horizonSeconds: Double, market: MarketState, curve: borrowing VolatilityCurve
    ) -> Double {
        mix.used(
            implied: curve.volatility(horizonSeconds: horizonSeconds),
            fast: market.volatilityFast, slow: market.volatilitySlow)
    }

    public func shared(_ market: MarketState, curve: borrowing VolatilityCurve) -> Shared {
        let p = parameters
        let ratio = stressWeightedDepth(market) / market.depthBaseline
        let dayVolatility = volatility(horizonSeconds: 86_400, market: market, curve: curve)
        let drift = abs(Double.log(market.mid / market.reference))
        return Shared(
            volume: p.usableVolume * market.dailyVolume * min(max(ratio, p.depthFloor), 1),
            dailyDeviation: dayVolatility / 365.0.squareRoot(),
            halfSpread: (market.spread + p.spreadDeviations * market.spreadDeviation) / 2,
            peg: min(1, p.pegFactor * max(0, p.pegThreshold - market.reference)),
            divergence: min(p.divergenceCap, max(0, drift - p.divergenceTolerance)),
            confidence: max(0, p.confidenceThreshold - market.confidence),
            systemValue: p.systemShare * market.systemCollateral)
    }

    /// ρ: the fall of the price that the selling forced by a fall causes, per fall. From 1 on a
    /// fall feeds itself.
    ///
    /// - Parameters:
    ///   - dailyDeviation: σ_day, the standard deviation of a day's return; ≥ 0.
    ///   - forced: B, the value that a fall by 1 % forces to be sold; ≥ 0.
    ///   - volume: V, the value that may be traded a day; > 0.
    /// - Source: MODEL §7.
    public static func branchingRatio(
        dailyDeviation: Double, forced: Double, volume: Double
    ) -> Double {
        dailyDeviation * (forced / volume).squareRoot() / 0.01
    }

    /// The haircut of a holding worth `notional`; > 0.
    ///
    /// - Parameter previous: of another notional in the same market, if known: where volatility
    ///   and horizon are the same to the bit (at the longest horizon they are), so is the market
    ///   loss, and it is taken over. The result is the same with or without.
    public func haircut(
        notional: Double, market: MarketState, shared: Shared, curve: borrowing VolatilityCurve,
        previous: HoldingHaircut? = nil
    ) -> HoldingHaircut {
        haircut(
            notional: notional, market: market, shared: shared, curve: curve, previous: previous
        ) {
            jumps.expectedShortfall(volatility: $0, horizonSeconds: $1)
        }
    }

    /// The same from first guesses of this model's quantiles.
    func haircut(
        notional: Double, market: MarketState, shared: Shared, curve: borrowing VolatilityCurve,
        previous: HoldingHaircut?, from guesses: inout QuantileGuesses
    ) -> HoldingHaircut {
        haircut(
            notional: notional, market: market, shared: shared, curve: curve, previous: previous
        ) {
            jumps.expectedShortfall(volatility: $0, horizonSeconds: $1, from: &guesses)
        }
    }

    /// - Parameter shortfall: expected, at a volatility over a horizon in seconds.
    @inline(__always)
    private func haircut(
        notional: Double, market: MarketState, shared: Shared, curve: borrowing VolatilityCurve,
        previous: HoldingHaircut?, _ shortfall: (Double, Double) -> Double
    ) -> HoldingHaircut {
        let p = parameters
        let effective = notional + shared.systemValue
        let unwindDays = effective / (p.participation * shared.volume)
        let horizon = min(
            p.horizonDaysMax * 86_400,
            p.detectionSeconds + market.quoteAgeSeconds + unwindDays * 86_400 / 3)
        let volatility = volatility(horizonSeconds: horizon, market: market, curve: curve)
        let marketLoss: Double
        if let previous, previous.volatility == volatility, previous.horizonSeconds == horizon {
            marketLoss = previous.market
        } else {
            marketLoss = shortfall(volatility, horizon)
        }
        let impact =
            p.impactCoefficient * shared.dailyDeviation * (effective / shared.volume).squareRoot()
        let liquidityLoss = min(1, shared.halfSpread + impact)
        let wanted = 1 - (1 - marketLoss) * (1 - liquidityLoss) * (1 - shared.peg)
        let target = min(max(wanted, p.floor), p.cap)
        let initial =
            1 - (1 - min(1, p.initialBuffer * target)) * (1 - shared.divergence)
            * (1 - shared.confidence)
        let scanDown = min(max(p.scanFloor, marketLoss), Self.mostScan)
        return HoldingHaircut(
            volatility: volatility, effective: effective, horizonSeconds: horizon,
            market: marketLoss, liquidity: liquidityLoss, target: target, initial: initial,
            maintenance: target * (p.maintenanceFactor + p.maintenanceCurvature * target),
            scanDown: scanDown, scanUp: Self.scanUp(scanDown),
            clampedBy: wanted < p.floor ? .floor : wanted > p.cap ? .cap : [])
    }

    /// A fall of everything has no finite opposite; a scan stops this short of it.
    static let mostScan = 0.999_999

    /// The range upwards that belongs to one downwards: the opposite log return.
    static func scanUp(_ down: Double) -> Double { down / (1 - down) }

    /// D_e: today's depth, weighted with what a crash would leave of the prior.
    private func stressWeightedDepth(_ market: MarketState) -> Double {
        let p = parameters
        let depth = max(market.depth, 1e-9 * market.depthPrior)
        let stressed = min(depth, p.stressDepthRatio * market.depthPrior)
        return Double.exp(
            (1 - p.stressWeight) * Double.log(depth) + p.stressWeight * Double.log(stressed))
    }
}
