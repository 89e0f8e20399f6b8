import Quantities

/// The markets of one owner's assets at one shard time, with the owner's instruments valued.
public struct OwnerMarket: Sendable {
    /// Shard time: what is past its validity.
    public let time: Instant
    /// One an asset of the book; nil where no haircut table has come.
    public private(set) var markets: [AssetMarket?]
    /// The tiers that count at `time`, where there is a market.
    public private(set) var tiers: [PreparedTiers]
    /// One a holding of the book.
    public private(set) var values: [InstrumentValue]
    /// Risk arrays, one after the other; `starts` says where each begins.
    public private(set) var arrays: [Double]
    public private(set) var starts: [Int]

    /// - Parameters:
    ///   - lookUp: the market of an asset.
    ///   - valued: a value and risk array computed before, for the market that `lookUp` gives;
    ///     nil has it computed.
    public init(
        _ book: OwnerBook, at time: Instant, instruments: InstrumentModel,
        lookUp: (Identifier) -> AssetMarket?,
        valued: (Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? = { _ in nil }
    ) {
        self.time = time
        markets = book.assets.map(lookUp)
        tiers = markets.map { $0?.haircuts.tiers(at: time) ?? .full }
        values = []
        arrays = []
        starts = []
        for holding in book.holdings {
            starts.append(arrays.count)
            if let (value, array) = valued(holding.instrument) {
                values.append(value)
                arrays.append(contentsOf: array)
            } else {
                let market = Self.underlying(holding, in: markets, of: book)
                values.append(
                    instruments.value(
                        of: holding.instrument, in: market, appendingTo: &arrays))
            }
        }
    }

    /// The market a derivative is valued in; none for one on the valuation currency itself.
    private static func underlying(
        _ holding: OwnerBook.Holding, in markets: [AssetMarket?], of book: OwnerBook
    ) -> AssetMarket? {
        holding.underlying == book.valuationIndex ? nil : markets[holding.underlying]
    }

    /// Puts another market in the place of one asset's and values that asset's instruments again.
    public mutating func replace(
        _ asset: Int, by market: AssetMarket?, book: OwnerBook, instruments: InstrumentModel
    ) {
        markets[asset] = market
        tiers[asset] = market?.haircuts.tiers(at: time) ?? .full
        guard book.holdings.contains(where: { $0.underlying == asset }) else { return }
        let old = arrays
        arrays.removeAll(keepingCapacity: true)
        for (index, holding) in book.holdings.enumerated() {
            let start = arrays.count
            if holding.underlying == asset {
                let market = Self.underlying(holding, in: markets, of: book)
                values[index] = instruments.value(
                    of: holding.instrument, in: market, appendingTo: &arrays)
            } else {
                let end = index + 1 < starts.count ? starts[index + 1] : old.count
                arrays.append(contentsOf: old[starts[index]..<end])
            }
            starts[index] = start
        }
    }
}
