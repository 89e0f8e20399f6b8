import Haircuts
import Market
import Quantities

/// Prices and listed options as a scenario opens: what a population of accounts is made for.
public struct OpeningMarket: Hashable, Sendable {
    public var time: Instant
    /// Price 1 and haircut 0: what debts are mostly owed in.
    public var valuationCurrency: Identifier
    public var assets: [Asset]

    public struct Asset: Hashable, Sendable {
        public var asset: Identifier
        public var assetClass: AssetClass
        /// In the valuation currency; > 0.
        public var price: FixedDecimal
        /// Value pledged in the system; ≥ 0. Accounts choose assets in proportion to it.
        public var systemCollateral: Double
        /// The maintenance haircut and the scan range, 0…1, that leverage is reckoned with.
        public var haircut: Double
        public var scan: Double
        /// Of the first surface; empty where there is none.
        public var expiries: [Expiry]
    }

    /// What may be traded for one expiry.
    public struct Expiry: Hashable, Sendable {
        public var expiry: Instant
        /// In the valuation currency; > 0.
        public var forward: Double
        /// Increasing.
        public var strikes: [FixedDecimal]
        /// Annualised, one a strike.
        public var volatilities: [Double]
    }
}

extension Scenario {
    /// The scenario's market at its start, from each primary venue's first price.
    public var opening: OpeningMarket {
        OpeningMarket(
            time: start, valuationCurrency: Self.valuationCurrency,
            assets: assets.compactMap { asset in
                let book = prices.first { $0.asset == asset.asset && $0.kind == .book }
                guard let bar = book?.bars.lazy.compactMap({ $0 }).first else { return nil }
                return OpeningMarket.Asset(
                    asset: asset.asset, assetClass: asset.assetClass,
                    price: FixedDecimal(units: asset.tick.units * Int128(bar.first)),
                    systemCollateral: asset.systemCollateral.double,
                    haircut: VenueHaircuts.maintenance(asset.assetClass),
                    scan: HaircutParameters(asset.assetClass).scanFloor,
                    expiries: expiries(of: asset.asset))
            })
    }

    /// Prices in USDT and USD are taken as one currency.
    static let valuationCurrency = Identifier("USD") ?? .unnamed

    private func expiries(of asset: Identifier) -> [OpeningMarket.Expiry] {
        guard let track = surfaces.first(where: { $0.asset == asset }), !track.rows.isEmpty
        else { return [] }
        return track.expiries(ofMinute: 0).compactMap(OpeningMarket.Expiry.init)
    }
}

extension OpeningMarket.Expiry {
    /// What a smile lists; nil for one without strikes.
    init?(_ expiry: Surface.Expiry) {
        guard case .grid(let strikes, let volatilities) = expiry.smile else { return nil }
        self.init(
            expiry: expiry.expiry, forward: expiry.forward.double, strikes: strikes,
            volatilities: volatilities)
    }
}
