import Quantities

/// How much of each asset was given out and for when: one budget for all plans that sell together.
///
/// Time is cut into slots a minute apart, beginning with the first sale; in each slot at most
/// 0.25·D, or a shard's share of that, is sold. Whoever asks first sells first, so ask for the
/// largest shortfall first.
///
/// - Source: MODEL §8, the plan.
public struct TrancheBudget: Sendable {
    private var slots: [Identifier: Slot] = [:]
    /// Of assets that nothing was taken of yet: this slot is taken whole, by plans not known here.
    private var former: Slot?

    private struct Slot {
        var start: Instant
        /// Sold in this slot, in the valuation currency.
        var used: Double
    }

    public init() {}

    /// A budget that follows another of which only the end is known.
    ///
    /// - Parameter spentUntil: the last time at which something may have been taken of the other.
    ///   What it gave out then is due within a minute, so nothing is given out for that minute.
    public init(after spentUntil: Instant) {
        former = Slot(start: spentUntil, used: .infinity)
    }

    /// What may still be sold in the earliest slot that has room, and when that is.
    ///
    /// - Parameters:
    ///   - selling: the depth of the asset and the share of it.
    ///   - time: shard time; slots do not begin before it.
    /// - Returns: nil where nothing may be sold.
    public func room(
        of asset: Identifier, _ selling: AssetMarket.SellingPart, at time: Instant,
        _ parameters: MarginParameters
    ) -> (amount: Double, notBefore: Instant)? {
        let most = parameters.trancheShare * selling.share * selling.depth
        guard most > 0 else { return nil }
        guard var slot = slots[asset] ?? former else { return (most, time) }
        let length = Int64(parameters.trancheSeconds * 1e9)
        if slot.start.advanced(byNanoseconds: length) <= time { return (most, time) }
        // A rest too small to be worth an order is left.
        if slot.used >= most * (1 - 1e-6) {
            slot.start = slot.start.advanced(byNanoseconds: length)
            slot.used = 0
        }
        return (most - slot.used, slot.start)
    }

    /// Takes an amount out of the slot that `room` named.
    public mutating func take(_ amount: Double, of asset: Identifier, in slot: Instant) {
        if let current = slots[asset], current.start == slot {
            slots[asset] = Slot(start: slot, used: current.used + amount)
        } else {
            slots[asset] = Slot(start: slot, used: amount)
        }
    }
}
