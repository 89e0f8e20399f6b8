import Haircuts
import Quantities

/// What a cascade came to.
public struct CascadeResult: Hashable, Sendable {
    public var scenario: String
    public var mode: CascadeMode
    /// Accounts that took part.
    public var accounts: Int
    /// Value sold or bought by plans, in the valuation currency.
    public var forcedSales = 0.0
    /// The part of it that was derivatives closed.
    public var derivativesClosed = 0.0
    /// Accounts of which anything was sold or closed by a plan.
    public var accountsLiquidated = 0
    /// The lowest price of the first asset, as a fraction of its opening price.
    public var deepestPrice = 1.0
    /// The same of the path alone, had nobody been liquidated.
    public var deepestPriceAlone = 1.0
    /// The most that accounts below zero were below it together at any one time, in the valuation
    /// currency, and how many accounts were ever below.
    public var badDebt = 0.0
    public var accountsBelowZero = 0
    /// The first asset's published maintenance haircut, least and most from the opening on.
    public var leastHaircut = 1.0
    public var mostHaircut = 0.0
    /// The largest rise of it within a minute, in fractions.
    public var largestMinuteStep = 0.0
    /// Minutes at whose end the governor held back the haircut of any asset.
    public var governedMinutes = 0
    /// One a minute from the opening.
    public var minutes: [CascadeMinute] = []

    /// Fall of the price over the fall it would have had by itself; 1: liquidations added nothing.
    public var amplification: Double {
        let alone = 1 - deepestPriceAlone
        return alone > 0 ? (1 - deepestPrice) / alone : 1
    }

    /// How many times its least the haircut came to.
    public var peakToTrough: Double { leastHaircut > 0 ? mostHaircut / leastHaircut : 1 }
}

/// A minute of the first asset, for a plot.
public struct CascadeMinute: Hashable, Sendable {
    public var time: Instant
    /// At the minute's end, with and without what liquidations did to it.
    public var price: Double
    public var priceAlone: Double
    /// Published maintenance haircut of the first tier, and the model's target.
    public var haircut: Double
    public var target: Double
    public var state: BreakerState
    /// Value that plans would sell if the maintenance haircut rose by a point, if the price fell by
    /// 5 %; of all shards.
    public var forcedByPoint: Double
    public var forcedByFall: Double
    public var branchingRatio: Double
    /// Bids within 2 % of mid.
    public var depth: Double
    /// Value sold by plans within the minute, of all assets.
    public var sold: Double
    /// What accounts below zero are below it, together.
    public var badDebt: Double
}
