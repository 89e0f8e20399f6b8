import Quantities

/// The markets of one owner's assets at one shard time, with the owner's instruments valued.
public struct OwnerMarket: Sendable {
    /// Shard time: what is past its validity.
    public let time: Instant
    /// One an asset of the book; nil where no haircut table has come.
    public private(set) var markets: [AssetMarket?]
    /// What balances are evaluated by, one an asset of the book: its prices, and the tiers that
    /// count at `time`.
    private(set) var prices: [BalancePrices]
    public private(set) var tiers: [PreparedTiers]
    /// One a holding of the book.
    public private(set) var values: [InstrumentValue]
    /// Risk arrays, one after the other, of the holdings for which `starts` is not nil; the others
    /// have only the rungs computed that are asked for.
    private var arrays: [Double] = []
    private var starts: [Int?]
    private var formulas: [RiskFormula]

    /// Prices of one unit, in the valuation currency; 0 where there is no market.
    struct BalancePrices {
        var held = 0.0
        var owed = 0.0
        var reference = 0.0
        var isKnown = false
        /// Whether the haircut table is past its validity.
        var isLate = false

        init(_ market: AssetMarket?, at time: Instant) {
            guard let market else { return }
            held = market.prices.price
            owed = market.prices.debtPrice
            reference = market.prices.reference
            isKnown = true
            isLate = market.haircuts.isLate(at: time)
        }
    }

    /// - Parameters:
    ///   - lookUp: the market of an asset.
    ///   - valued: a value and risk array computed before, for the market that `lookUp` gives;
    ///     nil has it computed.
    public init(
        _ book: OwnerBook, at time: Instant, instruments: InstrumentModel,
        lookUp: (Identifier) -> AssetMarket?,
        valued: (Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? = { _ in nil }
    ) {
        self.init(
            book, markets: book.assets.map(lookUp), at: time, instruments: instruments,
            valued: valued)
    }

    /// - Parameter markets: one an asset of the book.
    init(
        _ book: OwnerBook, markets: [AssetMarket?], at time: Instant,
        instruments: InstrumentModel,
        valued: (Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? = { _ in nil }
    ) {
        self.time = time
        self.markets = markets
        prices = markets.map { BalancePrices($0, at: time) }
        tiers = markets.map { $0?.haircuts.tiers(at: time) ?? .full }
        values = []
        starts = []
        formulas = []
        for holding in book.holdings {
            if let (value, array) = valued(holding.instrument) {
                values.append(value)
                formulas.append(.nothing)
                starts.append(arrays.count)
                arrays.append(contentsOf: array)
            } else {
                let market = Self.underlying(holding, in: markets, of: book)
                let (value, formula) = instruments.value(of: holding.instrument, in: market)
                values.append(value)
                formulas.append(formula)
                starts.append(nil)
            }
        }
    }

    /// This market with what another of the same assets has for balances. For evaluating accounts
    /// without derivatives: all else stays as it is here.
    func replacing(_ part: AssetMarket.Part, from other: OwnerMarket) -> OwnerMarket {
        var mixed = self
        switch part {
        case .haircuts: mixed.tiers = other.tiers
        case .prices: mixed.prices = other.prices
        case .volatilities: break
        }
        return mixed
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
        prices[asset] = BalancePrices(market, at: time)
        tiers[asset] = market?.haircuts.tiers(at: time) ?? .full
        for (index, holding) in book.holdings.enumerated() where holding.underlying == asset {
            let market = Self.underlying(holding, in: markets, of: book)
            (values[index], formulas[index]) = instruments.value(
                of: holding.instrument, in: market)
            starts[index] = nil
        }
    }

    /// The gain of a long contract in each scenario at one rung.
    func gains(of holding: Int, at rung: Int, of ladder: ScanLadder) -> SIMD16<Double> {
        guard let start = starts[holding] else {
            return formulas[holding].gains(at: rung, of: ladder)
        }
        let offset = start + rung * ScanScenarios.count
        var gains = SIMD16<Double>()
        for scenario in 0..<ScanScenarios.count { gains[scenario] = arrays[offset + scenario] }
        return gains
    }

    /// Computes all risk arrays, where accounts are going to be evaluated often in this market.
    mutating func fillArrays(_ book: OwnerBook) {
        for (index, holding) in book.holdings.enumerated() where starts[index] == nil {
            guard let ladder = Self.underlying(holding, in: markets, of: book)?.haircuts.scan else {
                continue
            }
            starts[index] = arrays.count
            for rung in 0..<ladder.count {
                let gains = formulas[index].gains(at: rung, of: ladder)
                for scenario in 0..<ScanScenarios.count { arrays.append(gains[scenario]) }
            }
        }
    }
}
