import Haircuts
import Market
import Quantities

/// The newest haircut table and surface of every asset, and the prices instruments settled at.
public struct MarketTables: Sendable {
    public let valuationCurrency: AssetMarket
    private var assets = IdentifierTable()
    /// By the asset's number; nil where no haircut table has come yet.
    private var markets: [AssetMarket?] = []
    private var surfaces: [PreparedSurface?] = []
    /// Expiries of known instruments that lie ahead, by the asset's number.
    private var watched: [Set<Instant>] = []
    private var settlements: [[AssetMarket.Settlement]] = []

    private let shard: Int
    private let shards: Int

    /// - Parameters:
    ///   - shard: the positions partition whose accounts are margined.
    ///   - shards: how many there are.
    public init(valuationCurrency: Identifier, shard: Int = 0, of shards: Int = 1) {
        self.shard = shard
        self.shards = shards
        self.valuationCurrency = AssetMarket(valuationCurrency: valuationCurrency)
    }

    /// The market of an asset; nil where there is no haircut table.
    public subscript(asset: Identifier) -> AssetMarket? {
        if asset == valuationCurrency.asset { return valuationCurrency }
        guard let index = assets.index(of: asset) else { return nil }
        return markets[Int(index)]
    }

    /// The assets with a haircut table, in the order they were first heard of.
    public var listed: [Identifier] {
        markets.indices.filter { markets[$0] != nil }.map { assets[Int32($0)] }
    }

    /// Takes a table in and settles the instruments watched that its time has reached.
    public mutating func apply(_ table: HaircutTable) {
        let index = number(of: table.asset)
        for expiry in watched[index].filter({ $0 <= table.time }).sorted() {
            watched[index].remove(expiry)
            settlements[index].append(
                AssetMarket.Settlement(expiry: expiry, price: table.reference.double))
        }
        markets[index] = AssetMarket(
            table, surface: surfaces[index], settlements: settlements[index],
            shard: shard, of: shards)
    }

    /// Takes a surface in that the gate has passed.
    public mutating func apply(_ surface: PreparedSurface, of asset: Identifier) {
        let index = number(of: asset)
        surfaces[index] = surface
        markets[index]?.prices.forwards = surface
        markets[index]?.volatilities.surface = surface
    }

    /// Remembers the expiries of an account's instruments, so that they settle at the first
    /// reference at or after them; those already past settle at the reference now known.
    public mutating func watch(_ positions: [Position]) {
        for position in positions {
            guard let expiry = position.terms.expiry else { continue }
            watch(expiry, of: position.underlying)
        }
    }

    public mutating func watch(_ expiry: Instant, of underlying: Identifier) {
        let index = number(of: underlying)
        guard !settlements[index].contains(where: { $0.expiry == expiry }) else { return }
        guard let market = markets[index], expiry <= market.prices.time else {
            watched[index].insert(expiry)
            return
        }
        settlements[index].append(
            AssetMarket.Settlement(expiry: expiry, price: market.prices.reference))
        markets[index]?.prices.settlements = settlements[index]
    }

    /// Takes back what instruments settled at before.
    public mutating func restore(_ settled: [AssetMarket.Settlement], of asset: Identifier) {
        let index = number(of: asset)
        for settlement in settled {
            watched[index].remove(settlement.expiry)
            settlements[index].removeAll { $0.expiry == settlement.expiry }
            settlements[index].append(settlement)
        }
        markets[index]?.prices.settlements = settlements[index]
    }

    private mutating func number(of asset: Identifier) -> Int {
        let index = Int(assets.insert(asset))
        while markets.count <= index {
            markets.append(nil)
            surfaces.append(nil)
            watched.append([])
            settlements.append([])
        }
        return index
    }
}
