import Quantities

/// Turns haircuts at grid notionals into marginal tiers that are never worth more than the model
/// allows at a grid point.
///
/// - Source: MODEL §4.4–§4.5.
public struct TierSchedule: Hashable, Sendable {
    public let notionals: [FixedDecimal]
    public let grid: TickGrid

    /// - Parameter notionals: increasing, > 0, at most 10^12 each.
    public init(notionals: [FixedDecimal], grid: TickGrid) {
        self.notionals = notionals
        self.grid = grid
    }

    /// The tiers for published haircuts, one pair a notional, each between 0 and 1.
    ///
    /// Weights do not increase from tier to tier, the initial weight is at most the maintenance
    /// weight, and above the last notional nothing counts.
    ///
    /// - Parameter tiers: replaced; one more than there are notionals.
    public func build(
        initial: [Ratio], maintenance: [Ratio], into tiers: inout [HaircutTier]
    ) {
        tiers.removeAll(keepingCapacity: true)
        var initialSide = Side()
        var maintenanceSide = Side()
        var from = FixedDecimal.zero
        for index in notionals.indices {
            let maintenanceWeight = maintenanceSide.extend(
                haircut: maintenance[index], from: from, to: notionals[index], atMost: .one,
                grid: grid)
            let initialWeight = initialSide.extend(
                haircut: max(initial[index], maintenance[index]), from: from,
                to: notionals[index], atMost: maintenanceWeight, grid: grid)
            tiers.append(
                HaircutTier(
                    from: from, to: notionals[index], initial: initialWeight.complement,
                    maintenance: maintenanceWeight.complement))
            from = notionals[index]
        }
        tiers.append(HaircutTier(from: from, to: nil, initial: .one, maintenance: .one))
    }

    /// One of the two columns, as it is built from the lowest notional up.
    private struct Side {
        var haircut = Ratio.zero
        var weight = Ratio.one
        /// What is counted up to the last notional, in units of money times 10^6.
        var value: Int128 = 0

        mutating func extend(
            haircut proposed: Ratio, from: FixedDecimal, to: FixedDecimal, atMost limit: Ratio,
            grid: TickGrid
        ) -> Ratio {
            haircut = max(haircut, proposed)
            let allowed = to.units * Int128(haircut.complement.millionths)
            let width = to.units - from.units
            let marginal = grid.weight(ofMillionths: allowed - value, over: width)
            weight = min(weight, marginal, limit)
            value += width * Int128(weight.millionths)
            return weight
        }
    }
}
