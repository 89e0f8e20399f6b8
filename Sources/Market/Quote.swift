import Quantities

/// One level of an order book.
public struct BookLevel: Hashable, Sendable {
    /// In the valuation currency; > 0.
    public var price: FixedDecimal
    /// In base units; > 0.
    public var size: FixedDecimal

    @inlinable
    public init(price: FixedDecimal, size: FixedDecimal) {
        self.price = price
        self.size = size
    }
}

/// What one venue says about one asset at one moment: its order book or an index price.
///
/// A value that is decoded into again and again: its arrays keep their storage.
public struct Quote: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case book, index
    }

    public var asset: Identifier
    public var venue: Identifier
    public var kind: Kind
    public var time: Instant
    /// Grows with each message of this asset, venue and kind; 0 … 2^53 − 1.
    public var sequence: Int64
    /// Of a book: best (highest) first, 0–500 levels; none means no liquidity.
    public var bids: [BookLevel]
    /// Of a book: best (lowest) first, 0–500 levels; none means no liquidity.
    public var asks: [BookLevel]
    /// Of a book: base units traded over 24 h on all venues; > 0 where given.
    public var dailyVolume: FixedDecimal?
    /// Of an index: the price in the valuation currency; > 0.
    public var price: FixedDecimal

    public static let mostLevels = 500

    public init(
        asset: Identifier, venue: Identifier, kind: Kind, time: Instant, sequence: Int64,
        bids: [BookLevel] = [], asks: [BookLevel] = [], dailyVolume: FixedDecimal? = nil,
        price: FixedDecimal = .zero
    ) {
        self.asset = asset
        self.venue = venue
        self.kind = kind
        self.time = time
        self.sequence = sequence
        self.bids = bids
        self.asks = asks
        self.dailyVolume = dailyVolume
        self.price = price
    }

    /// A quote that says nothing, to decode into.
    public static let blank = Quote(
        asset: .unnamed, venue: .unnamed, kind: .book, time: Instant(nanoseconds: 0), sequence: 0)
}
