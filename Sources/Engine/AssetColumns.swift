import Haircuts
import Margin
import Quantities

/// The markets of all assets as flat numbers, for loops over many accounts.
///
/// They say the same as `AssetMarket`: a holding or a debt of a value counts what
/// `PreparedTiers.collateral` and `debt` say, operation by operation, so that a loop over these
/// numbers and the model agree to the last bit.
struct AssetColumns: Sendable {
    /// Numbers an asset.
    static let stride = 8
    // Where in an asset's numbers each lies.
    static let price = 0
    static let debtPrice = 1
    /// The upper bound of the first tier, and its weights; most holdings lie in it.
    static let firstBound = 2
    static let firstInitial = 3
    static let firstMaintenance = 4
    /// Where the asset's tiers begin in `tiers`, and how many there are.
    static let tierStart = 5
    static let tierCount = 6
    /// 1 where the price and the haircut may move; 0 of the valuation currency, and without market.
    static let moves = 7

    /// Asset by asset, `stride` numbers each.
    private(set) var numbers: [Double] = []
    /// `PreparedTiers.numbers` of all assets; each has a place of its own that grows with it.
    private(set) var tiers: [Double] = []
    private var tierRoom: [Int] = []
    /// Of the haircut tables.
    private var sequences: [Int64] = []

    var count: Int { tierRoom.count }

    mutating func append() {
        numbers.append(contentsOf: repeatElement(0, count: Self.stride))
        tierRoom.append(0)
        sequences.append(0)
    }

    /// Takes a market in.
    ///
    /// - Parameter time: shard time, which says whether its fallback is in force.
    mutating func update(_ asset: Int32, to market: AssetMarket, at time: Instant) {
        let prepared = market.haircuts.tiers(at: time)
        let index = Int(asset)
        let base = index * Self.stride
        if prepared.numbers.count > tierRoom[index] {
            numbers[base + Self.tierStart] = Double(tiers.count)
            tierRoom[index] = prepared.numbers.count
            tiers.append(contentsOf: prepared.numbers)
        } else {
            let start = Int(numbers[base + Self.tierStart])
            for (offset, number) in prepared.numbers.enumerated() { tiers[start + offset] = number }
        }
        let count = prepared.count
        sequences[index] = market.haircuts.sequence
        numbers[base + Self.price] = market.prices.price
        numbers[base + Self.debtPrice] = market.prices.debtPrice
        numbers[base + Self.firstBound] = count > 1 ? prepared.numbers[1] : .infinity
        numbers[base + Self.firstInitial] = prepared.numbers[2 * count]
        numbers[base + Self.firstMaintenance] = prepared.numbers[4 * count]
        numbers[base + Self.tierCount] = Double(count)
        numbers[base + Self.moves] = market.haircuts.validUntil == nil ? 0 : 1
    }
}

extension AssetColumns {
    func price(of asset: Int32) -> Double { numbers[Int(asset) * Self.stride + Self.price] }
    func debtPrice(of asset: Int32) -> Double {
        numbers[Int(asset) * Self.stride + Self.debtPrice]
    }

    /// The sequence of an asset's table where it ends in these bits; −1 where it does not.
    func sequence(of asset: Int32, if bits: UInt16) -> Int64 {
        let sequence = sequences[Int(asset)]
        return UInt16(truncatingIfNeeded: sequence) == bits ? sequence : -1
    }

    /// `PreparedTiers.averageHaircut`, of a value > 0; 0 where there is no market.
    func averageHaircut(of asset: Int32, at value: Double) -> Haircut {
        let base = Int(asset) * Self.stride
        let count = Int(numbers[base + Self.tierCount])
        guard value > 0, count > 0 else { return .zero }
        let start = Int(numbers[base + Self.tierStart])
        var tier = 0
        while tier + 1 < count && tiers[start + tier + 1] < value { tier += 1 }
        func average(_ offset: Int) -> Double {
            1 - (tiers[start + offset + tier] + tiers[start + offset + count + tier] * value)
                / value
        }
        return Haircut(initial: average(count), maintenance: average(3 * count))
    }
}

/// What an asset's market was when accounts were last valued, to tell how far it has moved since.
struct MarketMark: Sendable {
    var price = 0.0
    var debtPrice = 0.0
    var tiers = PreparedTiers.full
    var isKnown = false

    init() {}

    init(_ market: AssetMarket, at time: Instant) {
        price = market.prices.price
        debtPrice = market.prices.debtPrice
        tiers = market.haircuts.tiers(at: time)
        isKnown = true
    }

    /// A bound on the move from this market to another: what a holding worth v counts changes by
    /// at most this times v, what a debt of v counts by at most twice this times v.
    func move(to other: MarketMark) -> Double {
        guard isKnown, other.isKnown, price > 0, debtPrice > 0 else { return .infinity }
        let prices = max(
            abs(other.price / price - 1), abs(other.debtPrice / debtPrice - 1))
        return prices + tiers.largestChange(to: other.tiers)
    }
}

extension PreparedTiers {
    /// The largest change of what a holding counts, as a fraction of its value, over all values.
    ///
    /// Between the bounds of both tables the change is a straight line α + β·v, and so α/v + β is
    /// monotone: the largest lies at a bound, at 0 or at infinity.
    func largestChange(to other: PreparedTiers) -> Double {
        if numbers == other.numbers { return 0 }
        func weights(_ tiers: PreparedTiers, _ index: Int) -> MarginPair {
            MarginPair(
                initial: tiers.numbers[2 * tiers.count + index],
                maintenance: tiers.numbers[4 * tiers.count + index])
        }
        var largest = 0.0
        func consider(_ change: MarginPair) {
            largest = max(largest, abs(change.initial), abs(change.maintenance))
        }
        consider(weights(other, 0) - weights(self, 0))
        consider(weights(other, other.count - 1) - weights(self, count - 1))
        for bound in kinks where bound > 0 {
            consider((other.collateral(of: bound) - collateral(of: bound)) * (1 / bound))
        }
        for bound in other.kinks where bound > 0 {
            consider((other.collateral(of: bound) - collateral(of: bound)) * (1 / bound))
        }
        return largest
    }
}
