import Haircuts
import Quantities

/// An amount for new risk and one for existing risk, in the valuation currency, while they are
/// computed: `MarginAmounts` before rounding.
public struct MarginPair: Hashable, Sendable {
    public var initial: Double
    public var maintenance: Double

    @inlinable
    public init(initial: Double, maintenance: Double) {
        self.initial = initial
        self.maintenance = maintenance
    }

    public static let zero = MarginPair(initial: 0, maintenance: 0)

    @inlinable
    public static func + (left: MarginPair, right: MarginPair) -> MarginPair {
        MarginPair(
            initial: left.initial + right.initial,
            maintenance: left.maintenance + right.maintenance)
    }

    @inlinable
    public static func - (left: MarginPair, right: MarginPair) -> MarginPair {
        MarginPair(
            initial: left.initial - right.initial,
            maintenance: left.maintenance - right.maintenance)
    }

    @inlinable
    public static func * (pair: MarginPair, factor: Double) -> MarginPair {
        MarginPair(initial: pair.initial * factor, maintenance: pair.maintenance * factor)
    }
}

/// The marginal tiers of one haircut table as straight lines: within a tier, a holding of a value
/// counts `offset + weight·value`.
///
/// All numbers lie in one flat array, so that a loop over many accounts can keep many tables side
/// by side: `count` lower bounds, then as many offsets and weights for initial margin, then for
/// maintenance margin.
///
/// - Source: MODEL §4.5, §8.
public struct PreparedTiers: Hashable, Sendable {
    /// Tiers; ≥ 1.
    public let count: Int
    /// `from`, `offset` and `weight` (initial), `offset` and `weight` (maintenance), `count` each.
    public private(set) var numbers: [Double]

    /// Everything counts in full: the valuation currency.
    public static let full = PreparedTiers([HaircutTier.everything(haircut: .zero)])

    /// - Parameters:
    ///   - tiers: lowest first, without gaps; none counts nothing.
    ///   - leastInitial: every initial haircut is at least this: the fallback past a table's
    ///     validity (MODEL §4), tier by tier.
    public init(_ tiers: [HaircutTier], leastInitial: Double = 0) {
        let tiers = tiers.isEmpty ? [HaircutTier.everything(haircut: .one)] : tiers
        self.init(
            bounds: tiers.map(\.from.double),
            weights: tiers.map { tier in
                MarginPair(
                    initial: 1 - max(tier.initial.double, leastInitial),
                    maintenance: 1 - tier.maintenance.double)
            })
    }

    /// - Parameters:
    ///   - bounds: lower ones, increasing from 0.
    ///   - weights: as many, 0…1.
    private init(bounds: [Double], weights: [MarginPair]) {
        count = bounds.count
        numbers = Array(repeating: 0, count: 5 * bounds.count)
        var value = MarginPair.zero
        for index in 0..<count {
            let (from, weight) = (bounds[index], weights[index])
            if index > 0 { value = value + weights[index - 1] * (from - bounds[index - 1]) }
            numbers[index] = from
            numbers[count + index] = value.initial - weight.initial * from
            numbers[2 * count + index] = weight.initial
            numbers[3 * count + index] = value.maintenance - weight.maintenance * from
            numbers[4 * count + index] = weight.maintenance
        }
    }

    /// The tiers after a rise of every maintenance haircut, up to 1; an initial haircut is at
    /// least the raised one. For the ladders of MODEL §7.
    public func raised(by rise: Double) -> PreparedTiers {
        changed { weight in
            let maintenance = max(0, weight.maintenance - rise)
            return MarginPair(
                initial: min(weight.initial, maintenance), maintenance: maintenance)
        }
    }

    /// The tiers with every haircut higher by a part, lower where it is negative, held in 0…1.
    func shifted(by change: Haircut) -> PreparedTiers {
        changed { weight in
            MarginPair(
                initial: min(1, max(0, weight.initial - change.initial)),
                maintenance: min(1, max(0, weight.maintenance - change.maintenance)))
        }
    }

    private func changed(_ change: (MarginPair) -> MarginPair) -> PreparedTiers {
        let weights = (0..<count).map { index in
            change(
                MarginPair(
                    initial: numbers[2 * count + index],
                    maintenance: numbers[4 * count + index]))
        }
        return PreparedTiers(bounds: Array(numbers[0..<count]), weights: weights)
    }

    /// The tier a value lies in; a value on a bound belongs to the tier that ends there.
    @inlinable
    public func tier(of value: Double) -> Int {
        var index = 0
        while index + 1 < count && numbers[index + 1] < value { index += 1 }
        return index
    }

    /// What a holding counts.
    ///
    /// - Parameter value: in the valuation currency at the table's price, ≥ 0.
    /// - Returns: 0…`value` each; concave in `value` where weights do not increase.
    @inlinable
    public func collateral(of value: Double) -> MarginPair {
        let index = tier(of: value)
        return MarginPair(
            initial: numbers[count + index] + numbers[2 * count + index] * value,
            maintenance: numbers[3 * count + index] + numbers[4 * count + index] * value)
    }

    /// What a debt counts: its value and the average haircut of the tiers at that value.
    ///
    /// - Parameter value: in the valuation currency at the debt price, ≥ 0.
    /// - Returns: `value`…2·`value` each.
    @inlinable
    public func debt(of value: Double) -> MarginPair {
        let collateral = collateral(of: value)
        return MarginPair(
            initial: 2 * value - collateral.initial,
            maintenance: 2 * value - collateral.maintenance)
    }

    /// The average haircut of the tiers at a value: those of the first tier at 0.
    public func averageHaircut(at value: Double) -> Haircut {
        guard value > 0 else {
            return Haircut(initial: 1 - numbers[2 * count], maintenance: 1 - numbers[4 * count])
        }
        let collateral = collateral(of: value)
        return Haircut(
            initial: 1 - collateral.initial / value, maintenance: 1 - collateral.maintenance / value
        )
    }

    /// What one more unit of value counts, 0…1, left of any kink there.
    @inlinable
    public func weight(at value: Double) -> MarginPair {
        let index = tier(of: value)
        return MarginPair(
            initial: numbers[2 * count + index], maintenance: numbers[4 * count + index])
    }

    /// The least value that counts an amount for maintenance margin.
    ///
    /// - Parameter amount: > 0.
    /// - Returns: nil where no value counts so much.
    func value(counting amount: Double) -> Double? {
        for index in 0..<count {
            let (offset, weight) = (numbers[3 * count + index], numbers[4 * count + index])
            let end = index + 1 < count ? numbers[index + 1] : .infinity
            guard weight > 0 else { continue }
            let value = (amount - offset) / weight
            if value <= end { return max(value, numbers[index]) }
        }
        return nil
    }

    /// The values at which the weight changes: the lower bounds of all tiers but the first.
    public var kinks: ArraySlice<Double> { numbers[1..<count] }
}

extension HaircutTier {
    /// The only tier of a table that treats all values alike.
    static func everything(haircut: Ratio) -> HaircutTier {
        HaircutTier(from: .zero, to: nil, initial: haircut, maintenance: haircut)
    }
}
