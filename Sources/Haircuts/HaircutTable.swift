import Quantities

/// The state of an asset's circuit breaker (MODEL §6), from open to closed.
public enum BreakerState: String, CaseIterable, Sendable {
    case normal, elevated, stressed, frozen
}

/// What caused an output: a record of an input topic, or a timer.
public enum Cause: Hashable, Sendable {
    case record(topic: String, partition: Int32, offset: Int64)
    case timer(Instant)
}

/// A pair of fractions, 0…1, for new risk and for existing risk.
public struct Haircut: Hashable, Sendable {
    public var initial: Double
    public var maintenance: Double

    @inlinable
    public init(initial: Double, maintenance: Double) {
        self.initial = initial
        self.maintenance = maintenance
    }

    public static let zero = Haircut(initial: 0, maintenance: 0)
}

/// The published haircuts of one asset with everything that explains them: `haircut.v1`.
public struct HaircutTable: Hashable, Sendable {
    public var asset: Identifier
    /// Shard time.
    public var time: Instant
    /// Grows by one with each table of this asset, from 1.
    public var sequence: Int64
    public var state: BreakerState
    /// What one unit held is worth, in the valuation currency, never above the reference.
    public var price: FixedDecimal
    /// What one unit owed costs, never below the reference.
    public var debtPrice: FixedDecimal
    /// The median of the fresh sources.
    public var reference: FixedDecimal
    /// The middle of the primary venue's book.
    public var mid: FixedDecimal
    /// Marginal haircuts by value, lowest first, without gaps; never empty, the last one endless.
    public var tiers: [HaircutTier]
    /// Where the model wants the first grid point, unrounded.
    public var target: Haircut
    /// How far the published haircut is below that; ≥ 0.
    public var gap: Haircut
    public var boundBy: Bounds
    /// Where the limiter will be in a minute if the target stays; nil when it is there.
    public var next: Projection?
    public var validUntil: Instant
    /// Past `validUntil` the initial haircut of each tier is at least this.
    public var fallback: Double
    /// Ranges of price for scenarios, one a grid notional.
    public var scan: [ScanRange]
    /// Annualised volatility to use where there is no surface.
    public var stressVolatility: Double
    /// In the reference, 0…1.
    public var confidence: Double
    /// Fall caused by the selling that a 1 % fall forces, per fall (MODEL §7).
    public var branchingRatio: Double
    public var components: Components
    /// What a sale is expected to cost, for plans; nil in tables that do not say.
    public var impact: Impact?
    /// Value pledged in the whole system, in the valuation currency, as the model used it; nil in
    /// tables that do not say.
    public var systemCollateral: FixedDecimal?
    /// Each margin shard's part of the selling a fall would force, by positions partition; their
    /// sum is at most 1. Empty where it is not known: then all shards have the same part.
    public var shares: [Double]
    /// Of the model, as in MODEL.md.
    public var modelVersion: String
    public var parametersHash: String
    public var cause: Cause

    /// The haircuts of the first tier.
    public var initial: Ratio { tiers.first?.initial ?? .one }
    public var maintenance: Ratio { tiers.first?.maintenance ?? .one }

    public init(
        asset: Identifier, time: Instant, sequence: Int64, state: BreakerState,
        price: FixedDecimal, debtPrice: FixedDecimal, reference: FixedDecimal, mid: FixedDecimal,
        tiers: [HaircutTier], target: Haircut, gap: Haircut, boundBy: Bounds, next: Projection?,
        validUntil: Instant, fallback: Double, scan: [ScanRange], stressVolatility: Double,
        confidence: Double, branchingRatio: Double, components: Components,
        impact: Impact? = nil, systemCollateral: FixedDecimal? = nil, shares: [Double] = [],
        modelVersion: String, parametersHash: String, cause: Cause
    ) {
        self.asset = asset
        self.time = time
        self.sequence = sequence
        self.state = state
        self.price = price
        self.debtPrice = debtPrice
        self.reference = reference
        self.mid = mid
        self.tiers = tiers
        self.target = target
        self.gap = gap
        self.boundBy = boundBy
        self.next = next
        self.validUntil = validUntil
        self.fallback = fallback
        self.scan = scan
        self.stressVolatility = stressVolatility
        self.confidence = confidence
        self.branchingRatio = branchingRatio
        self.components = components
        self.impact = impact
        self.systemCollateral = systemCollateral
        self.shares = shares
        self.modelVersion = modelVersion
        self.parametersHash = parametersHash
        self.cause = cause
    }
}

extension HaircutTable {
    /// A table that says nothing, to decode into.
    public static let blank = HaircutTable(
        asset: .unnamed, time: Instant(nanoseconds: 0), sequence: 0, state: .normal, price: .zero,
        debtPrice: .zero, reference: .zero, mid: .zero, tiers: [], target: .zero, gap: .zero,
        boundBy: [], next: nil, validUntil: Instant(nanoseconds: 0), fallback: 1, scan: [],
        stressVolatility: 0, confidence: 0, branchingRatio: 0,
        components: Components(
            volatility: 0, market: 0, liquidity: 0, peg: 0, divergence: 0, confidence: 0,
            horizonSeconds: 0, depth: .zero, depthBaseline: .zero, spread: 0, quoteAge: 0,
            surfaceAge: nil),
        modelVersion: "", parametersHash: "", cause: .timer(Instant(nanoseconds: 0)))
}

/// One marginal tier: the haircut on the part of a holding's value between two bounds.
public struct HaircutTier: Hashable, Sendable {
    /// In the valuation currency at the table's price.
    public var from: FixedDecimal
    /// nil: without end.
    public var to: FixedDecimal?
    public var initial: Ratio
    public var maintenance: Ratio

    public init(from: FixedDecimal, to: FixedDecimal?, initial: Ratio, maintenance: Ratio) {
        self.from = from
        self.to = to
        self.initial = initial
        self.maintenance = maintenance
    }
}

/// How far the price may move against a position of this size before it is closed.
public struct ScanRange: Hashable, Sendable {
    public var notional: FixedDecimal
    /// Fractions of the price; down in [scan floor, 1), up = down/(1 − down).
    public var down: Double
    public var up: Double

    public init(notional: FixedDecimal, down: Double, up: Double) {
        self.notional = notional
        self.down = down
        self.up = up
    }
}

/// Where a haircut will be.
public struct Projection: Hashable, Sendable {
    public var initial: Ratio
    public var maintenance: Ratio
    public var at: Instant

    public init(initial: Ratio, maintenance: Ratio, at: Instant) {
        self.initial = initial
        self.maintenance = maintenance
        self.at = at
    }
}

/// What held a published haircut away from the model's unclamped target.
public struct Bounds: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let limiter = Bounds(rawValue: 1)
    public static let governor = Bounds(rawValue: 2)
    public static let floor = Bounds(rawValue: 4)
    public static let cap = Bounds(rawValue: 8)
    public static let override = Bounds(rawValue: 16)
    public static let freeze = Bounds(rawValue: 32)
    public static let fallback = Bounds(rawValue: 64)

    /// Each bound with its published name, in published order.
    public static let names: [(bound: Bounds, name: StaticString)] = [
        (.limiter, "limiter"), (.governor, "governor"), (.floor, "floor"), (.cap, "cap"),
        (.override, "override"), (.freeze, "freeze"), (.fallback, "fallback"),
    ]
}

/// What selling an amount costs: half the spread and the square-root impact (MODEL §3.5).
public struct Impact: Hashable, Sendable {
    /// Half of the spread and its deviations, as a fraction of the price; ≥ 0.
    public var halfSpread: Double
    /// σ_day times the impact coefficient: the fall that selling one day's usable volume causes.
    public var dailyDeviation: Double
    /// Usable volume a day, V, in the valuation currency; > 0.
    public var volume: FixedDecimal

    public init(halfSpread: Double, dailyDeviation: Double, volume: FixedDecimal) {
        self.halfSpread = halfSpread
        self.dailyDeviation = dailyDeviation
        self.volume = volume
    }

    /// The expected cost of selling an amount (valuation currency, ≥ 0), as a fraction, 0…1.
    public func cost(ofSelling amount: Double) -> Double {
        min(1, halfSpread + dailyDeviation * (amount / volume.double).squareRoot())
    }
}

/// The parts of the haircut at the first grid point (MODEL §3).
public struct Components: Hashable, Sendable {
    /// Annualised, at the horizon.
    public var volatility: Double
    public var market: Double
    public var liquidity: Double
    public var peg: Double
    public var divergence: Double
    public var confidence: Double
    public var horizonSeconds: Double
    /// Bids within 2 % of mid, in the valuation currency.
    public var depth: FixedDecimal
    public var depthBaseline: FixedDecimal
    /// Of the primary book, as a fraction of mid, its running mean.
    public var spread: Double
    /// Seconds since the newest primary book.
    public var quoteAge: Double
    /// Seconds since the newest good surface; nil: none.
    public var surfaceAge: Double?

    public init(
        volatility: Double, market: Double, liquidity: Double, peg: Double, divergence: Double,
        confidence: Double, horizonSeconds: Double, depth: FixedDecimal,
        depthBaseline: FixedDecimal, spread: Double, quoteAge: Double, surfaceAge: Double?
    ) {
        self.volatility = volatility
        self.market = market
        self.liquidity = liquidity
        self.peg = peg
        self.divergence = divergence
        self.confidence = confidence
        self.horizonSeconds = horizonSeconds
        self.depth = depth
        self.depthBaseline = depthBaseline
        self.spread = spread
        self.quoteAge = quoteAge
        self.surfaceAge = surfaceAge
    }
}
