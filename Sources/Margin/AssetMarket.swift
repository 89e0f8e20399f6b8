import Haircuts
import Quantities

/// What the margin stage knows of one asset: its newest haircut table and surface, prepared.
///
/// It is made of parts that change apart from each other, so that the cause of a worsening can be
/// found by putting one part back (`OwnerValuation.cause`).
public struct AssetMarket: Sendable {
    /// Shared by copies, of which every owner that is valued has one for each asset.
    private var parts: Parts

    private final class Box<Value: Sendable>: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private final class Parts: Sendable {
        let asset: Identifier
        let haircuts: Box<HaircutPart>
        let prices: Box<PricePart>
        let volatilities: Box<VolatilityPart>
        let selling: Box<SellingPart>

        init(
            _ asset: Identifier, _ haircuts: Box<HaircutPart>, _ prices: Box<PricePart>,
            _ volatilities: Box<VolatilityPart>, _ selling: Box<SellingPart>
        ) {
            self.asset = asset
            self.haircuts = haircuts
            self.prices = prices
            self.volatilities = volatilities
            self.selling = selling
        }
    }

    public var asset: Identifier { _read { yield parts.asset } }

    public var haircuts: HaircutPart {
        _read { yield parts.haircuts.value }
        set {
            parts = Parts(asset, Box(newValue), parts.prices, parts.volatilities, parts.selling)
        }
    }

    public var prices: PricePart {
        _read { yield parts.prices.value }
        set {
            parts = Parts(asset, parts.haircuts, Box(newValue), parts.volatilities, parts.selling)
        }
    }

    public var volatilities: VolatilityPart {
        _read { yield parts.volatilities.value }
        set { parts = Parts(asset, parts.haircuts, parts.prices, Box(newValue), parts.selling) }
    }

    public var selling: SellingPart { _read { yield parts.selling.value } }

    /// What changes apart from the rest.
    enum Part {
        case haircuts, prices, volatilities
    }

    /// This market with a part of another one of the same asset.
    func replacing(_ part: Part, from other: AssetMarket) -> AssetMarket {
        var market = self
        market.parts = Parts(
            asset, part == .haircuts ? other.parts.haircuts : parts.haircuts,
            part == .prices ? other.parts.prices : parts.prices,
            part == .volatilities ? other.parts.volatilities : parts.volatilities, parts.selling)
        return market
    }

    /// The haircuts, by tier, and the scan ranges.
    public struct HaircutPart: Sendable {
        /// Of the table; 0 for the valuation currency.
        public var sequence: Int64
        public var boundBy: Bounds
        /// nil: for ever.
        public var validUntil: Instant?
        /// Up to `validUntil`, and past it.
        public var onTime: PreparedTiers
        public var late: PreparedTiers
        public var scan: ScanLadder

        /// Whether the fallback is in force at a shard time.
        @inlinable
        public func isLate(at time: Instant) -> Bool {
            guard let validUntil else { return false }
            return time > validUntil
        }

        /// The tiers that count at a shard time.
        @inlinable
        public func tiers(at time: Instant) -> PreparedTiers { isLate(at: time) ? late : onTime }
    }

    /// Prices in the valuation currency.
    public struct PricePart: Sendable {
        /// Of the table: derivatives are valued as of then.
        public var time: Instant
        /// Of one unit held and one unit owed.
        public var price: Double
        public var debtPrice: Double
        /// R: what perpetuals are marked with.
        public var reference: Double
        /// The surface's forwards; nil: R stands for them.
        public var forwards: PreparedSurface?
        /// What forwards are multiplied by: 1, except where a move is tried out.
        public var forwardFactor = 1.0
        /// The references at which instruments settled, by expiry.
        public var settlements: [Settlement] = []
        /// The table's own decimals, as published; `price` and `debtPrice` where nothing is moved.
        public var published: (price: FixedDecimal, debtPrice: FixedDecimal)
    }

    /// What a unit was worth when the instruments of one expiry settled.
    public struct Settlement: Hashable, Sendable {
        public var expiry: Instant
        public var price: Double

        public init(expiry: Instant, price: Double) {
            self.expiry = expiry
            self.price = price
        }
    }

    /// Volatilities by strike.
    public struct VolatilityPart: Sendable {
        /// nil: `stressVolatility` stands for it.
        public var surface: PreparedSurface?
        public var stressVolatility: Double
        /// What volatilities are multiplied by: 1, except where former ones are guessed.
        public var factor = 1.0
    }

    /// What selling costs and how much may be sold at a time.
    public struct SellingPart: Sendable {
        public var impact: Impact?
        /// Bids within 2 % of mid, in the valuation currency; ≥ 0.
        public var depth: Double
        /// The part of that depth that this margin shard may use, 0…1 (MODEL §5, §8).
        public var share: Double
    }

    /// - Parameters:
    ///   - table: its tiers and scan as published.
    ///   - surface: the last one the gate passed, if any.
    ///   - settlements: of expiries up to the table's time.
    ///   - shard: the positions partition whose accounts are margined, of `shards`: its share of
    ///     the depth is what the table says, else the same for all.
    public init(
        _ table: HaircutTable, surface: PreparedSurface?, settlements: [Settlement] = [],
        shard: Int = 0, of shards: Int = 1
    ) {
        let haircuts = HaircutPart(
            sequence: table.sequence, boundBy: table.boundBy, validUntil: table.validUntil,
            onTime: PreparedTiers(table.tiers),
            late: PreparedTiers(table.tiers, leastInitial: table.fallback),
            scan: ScanLadder(table.scan))
        let prices = PricePart(
            time: table.time, price: table.price.double, debtPrice: table.debtPrice.double,
            reference: table.reference.double, forwards: surface, settlements: settlements,
            published: (table.price, table.debtPrice))
        let volatilities = VolatilityPart(
            surface: surface, stressVolatility: table.stressVolatility)
        let share =
            table.shares.isEmpty
            ? 1 / Double(max(1, shards))
            : table.shares.indices.contains(shard) ? table.shares[shard] : 0
        let selling = SellingPart(
            impact: table.impact, depth: max(0, table.components.depth.double),
            share: min(1, max(0, share)))
        parts = Parts(
            table.asset, Box(haircuts), Box(prices), Box(volatilities), Box(selling))
    }

    /// The valuation currency: haircut 0, price 1.
    public init(valuationCurrency asset: Identifier) {
        let haircuts = HaircutPart(
            sequence: 0, boundBy: [], validUntil: nil, onTime: .full, late: .full,
            scan: ScanLadder([]))
        let prices = PricePart(
            time: Instant(nanoseconds: .min), price: 1, debtPrice: 1, reference: 1,
            published: (.one, .one))
        parts = Parts(
            asset, Box(haircuts), Box(prices),
            Box(VolatilityPart(surface: nil, stressVolatility: 0)),
            Box(SellingPart(impact: nil, depth: .infinity, share: 1)))
    }

    /// The price for delivery at an expiry: the surface's, else R.
    public func forward(expiry: Instant) -> Double {
        guard let forward = prices.forwards?.forward(expiry: expiry, at: prices.time) else {
            return prices.reference
        }
        return forward * prices.forwardFactor
    }

    /// The volatility of an option, and whether it is the stress volatility for want of a surface.
    public func volatility(strike: FixedDecimal, expiry: Instant) -> (value: Double, stress: Bool) {
        let implied = volatilities.surface?.impliedVolatility(
            strike: strike, expiry: expiry, at: prices.time)
        if let implied { return (implied * volatilities.factor, false) }
        return (volatilities.stressVolatility * volatilities.factor, true)
    }

    /// The price at which an instrument settled, or would settle now; nil before the expiry.
    public func settlement(expiry: Instant) -> Double? {
        guard expiry <= prices.time else { return nil }
        return prices.settlements.first { $0.expiry == expiry }?.price ?? prices.reference
    }

    /// This market after a move of the price, everything in the asset moving with it; volatilities
    /// stay by strike, and what has settled stays settled.
    ///
    /// - Parameter move: a fraction, > −1.
    public func moved(by move: Double) -> AssetMarket {
        let factor = 1 + move
        var prices = prices
        prices.price *= factor
        prices.debtPrice *= factor
        prices.reference *= factor
        prices.forwardFactor *= factor
        var market = self
        market.prices = prices
        return market
    }

    /// This market after a rise of all maintenance haircuts.
    ///
    /// - Parameter rise: a fraction, ≥ 0.
    public func raised(by rise: Double) -> AssetMarket {
        var raised = haircuts
        raised.onTime = haircuts.onTime.raised(by: rise)
        raised.late = haircuts.late.raised(by: rise)
        var market = self
        market.haircuts = raised
        return market
    }
}
