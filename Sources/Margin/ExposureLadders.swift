import Haircuts
import Market
import Quantities

/// What accounts hold of one asset and how much selling a rise of its haircut or a fall of its
/// price would force (MODEL §7), computed anew, plainly.
///
/// Whoever keeps ladders up to date by increments must agree with it.
public struct ExposureFigures: Hashable, Sendable {
    /// Units held and owed, with what derivatives settle into balances; ≥ 0.
    public var pledged = 0.0
    public var borrowed = 0.0
    /// In the valuation currency.
    public var pledgedValue = 0.0
    /// Accounts that hold or owe the asset.
    public var accounts = 0
    /// Value of the asset that plans of newly breached accounts would sell, one a rung of
    /// `Exposure.rises`, in the valuation currency; does not fall from rung to rung.
    public var byHaircut: [Double] = Array(repeating: 0, count: Exposure.rises.count)
    /// The same, one a rung of `Exposure.falls`.
    public var byPrice: [Double] = Array(repeating: 0, count: Exposure.falls.count)

    public init() {}

    /// Ends a sum over accounts: no rung is below the one before it.
    public mutating func cumulate() {
        for rung in byHaircut.indices.dropFirst() {
            byHaircut[rung] = max(byHaircut[rung], byHaircut[rung - 1])
        }
        for rung in byPrice.indices.dropFirst() {
            byPrice[rung] = max(byPrice[rung], byPrice[rung - 1])
        }
    }
}

extension MarginModel {
    /// The exposure of these accounts in one asset.
    ///
    /// An account is newly breached where its maintenance excess is not below 0 now and is after
    /// the rise or the fall, everything else unchanged.
    ///
    /// - Parameter owners: the accounts of each owner.
    public func exposure(
        to asset: Identifier, of owners: [[AccountSnapshot]], in tables: MarketTables,
        at time: Instant
    ) -> ExposureFigures {
        var figures = ExposureFigures()
        for accounts in owners {
            let now = value(accounts, at: time, lookUp: { tables[$0] })
            add(now, asset: asset, to: &figures)
        }
        figures.cumulate()
        return figures
    }

    /// Adds accounts of one owner.
    ///
    /// - Parameter accounts: indexes in the owner's book; nil: all.
    public func add(
        _ now: OwnerValuation, accounts: [Int]? = nil, asset: Identifier,
        to figures: inout ExposureFigures
    ) {
        guard let index = now.book.index(of: asset) else { return }
        let price = now.market.markets[index]?.prices.price ?? 0
        var sound: [Int] = []
        var evaluation = AccountEvaluation()
        for account in accounts ?? Array(now.book.accounts.indices) {
            now.evaluate(account, into: &evaluation)
            let quantity = evaluation.quantities[index]
            if quantity != 0 { figures.accounts += 1 }
            figures.pledged += max(0, quantity)
            figures.pledgedValue += max(0, quantity) * price
            figures.borrowed += max(0, -quantity)
            if evaluation.figures.excess.maintenance >= 0 { sound.append(account) }
        }
        for (rung, rise) in Exposure.rises.enumerated() {
            figures.byHaircut[rung] += forced(sound, in: now.raised(asset, by: rise), asset: asset)
        }
        for (rung, fall) in Exposure.falls.enumerated() {
            figures.byPrice[rung] += forced(sound, in: now.moved(asset, by: -fall), asset: asset)
        }
    }

    /// What the plans of those accounts that are now breached would sell of the asset.
    private func forced(_ sound: [Int], in after: OwnerValuation, asset: Identifier) -> Double {
        var sum = 0.0
        for account in sound where after.figures(of: account).excess.maintenance < 0 {
            sum += after.forcedSale(of: account, asset: asset)
        }
        return sum
    }
}
