import Quantities

/// What the accounts of one margin shard hold of one asset, and how much selling a higher haircut
/// or a lower price would force: `exposure.v1`, MODEL §7.
public struct Exposure: Hashable, Sendable {
    public var asset: Identifier
    /// The positions partition whose accounts these are; ≥ 0.
    public var shard: Int32
    public var time: Instant
    /// Grows by one with each message of this asset and shard, from 1.
    public var sequence: Int64
    /// Of the haircut table the ladders start from.
    public var haircutSequence: Int64
    /// Of that table: what one unit held is worth.
    public var price: FixedDecimal
    /// Units held as collateral, ≥ 0, and their value in the valuation currency.
    public var pledged: FixedDecimal
    public var pledgedValue: FixedDecimal
    /// Units owed, ≥ 0.
    public var borrowed: FixedDecimal
    /// Value sold by newly breached accounts when the maintenance haircut rises; increasing.
    public var byHaircut: [Rung]
    /// The same when the price falls.
    public var byPrice: [Rung]
    /// Accounts that hold or owe the asset.
    public var accounts: Int64
    /// What the asset was worth when instruments on it settled, the newest expiries, increasing:
    /// a shard that is restored goes on with these.
    public var settlements: [Settlement]

    /// One rung of a ladder.
    public struct Rung: Hashable, Sendable {
        /// The rise of the haircut or the fall of the price, as a fraction; > 0.
        public var step: Double
        /// What is sold up to here, cumulated, in the valuation currency; ≥ 0.
        public var value: FixedDecimal

        public init(step: Double, value: FixedDecimal) {
            self.step = step
            self.value = value
        }
    }

    /// The reference that the instruments of one expiry settled at.
    public struct Settlement: Hashable, Sendable {
        public var expiry: Instant
        /// In the valuation currency; ≥ 0.
        public var price: FixedDecimal

        public init(expiry: Instant, price: FixedDecimal) {
            self.expiry = expiry
            self.price = price
        }
    }

    /// Rises of the maintenance haircut, as fractions: 0.02 points is 0.0002.
    public static let rises: [Double] = [
        0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2,
    ]
    /// Falls of the price, as fractions.
    public static let falls: [Double] = [
        0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3,
    ]
    /// Most rungs that are read of a ladder.
    public static let mostRungs = 64
    /// Most settlements that are said.
    public static let mostSettlements = 64

    public init(
        asset: Identifier, shard: Int32, time: Instant, sequence: Int64, haircutSequence: Int64,
        price: FixedDecimal, pledged: FixedDecimal, pledgedValue: FixedDecimal,
        borrowed: FixedDecimal, byHaircut: [Rung], byPrice: [Rung], accounts: Int64,
        settlements: [Settlement] = []
    ) {
        self.asset = asset
        self.shard = shard
        self.time = time
        self.sequence = sequence
        self.haircutSequence = haircutSequence
        self.price = price
        self.pledged = pledged
        self.pledgedValue = pledgedValue
        self.borrowed = borrowed
        self.byHaircut = byHaircut
        self.byPrice = byPrice
        self.accounts = accounts
        self.settlements = settlements
    }

    /// An exposure that says nothing, to decode into.
    public static let blank = Exposure(
        asset: .unnamed, shard: 0, time: Instant(nanoseconds: 0), sequence: 0, haircutSequence: 0,
        price: .zero, pledged: .zero, pledgedValue: .zero, borrowed: .zero, byHaircut: [],
        byPrice: [], accounts: 0)
}
