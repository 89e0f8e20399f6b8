import Haircuts
import Margin
import Market
import Quantities

/// A rung of one of the two ladders of MODEL §7.
private enum Rung {
    case rise(Int)
    case fall(Int)

    static let all: [Rung] =
        Exposure.rises.indices.map { .rise($0) } + Exposure.falls.indices.map { .fall($0) }

    func applied(to market: AssetMarket) -> AssetMarket {
        switch self {
        case .rise(let index): market.raised(by: Exposure.rises[index])
        case .fall(let index): market.moved(by: -Exposure.falls[index])
        }
    }

    func applied(to valuation: OwnerValuation, _ asset: Identifier) -> OwnerValuation {
        switch self {
        case .rise(let index): valuation.raised(asset, by: Exposure.rises[index])
        case .fall(let index): valuation.moved(asset, by: -Exposure.falls[index])
        }
    }

    func add(_ value: Double, to figures: inout ExposureFigures) {
        switch self {
        case .rise(let index): figures.byHaircut[index] += value
        case .fall(let index): figures.byPrice[index] += value
        }
    }
}

extension MarginShard {
    /// What accounts hold of an asset, and what each rung would force.
    ///
    /// Rows are valued at every rung by the loops that value them anyhow; only for accounts that
    /// a rung breaches is a plan worked out. Accounts kept apart are left to the model.
    ///
    /// - Returns: what `MarginModel.exposure` says of all accounts, and how many plans it took.
    mutating func exposureFigures(
        of market: AssetMarket, at time: Instant
    ) -> (figures: ExposureFigures, plans: Int) {
        revalueInstruments()
        let number = book.assetNumber(of: market.asset)
        var figures = ExposureFigures()
        var plans = 0
        var special: [Int32] = []
        for block in book.blocks.indices {
            let endangered = hold(number, in: block, &figures, special: &special)
            guard !endangered.isEmpty else { continue }
            plans += force(endangered, of: block, number, in: market, &figures)
        }
        for account in special.sorted(by: { book.names.isOrdered($0, before: $1) }) {
            let owner = book.owner(of: account)
            let place = book.accounts(of: owner).firstIndex(of: account)
            model.add(
                value(owner), accounts: place.map { [$0] } ?? [], asset: market.asset,
                to: &figures)
            plans += Rung.all.count
        }
        let apart = book.ownersApart(holding: number)
        for owner in apart.sorted(by: { book.owners.names.isOrdered($0, before: $1) }) {
            model.add(value(owner), asset: market.asset, to: &figures)
            plans += Rung.all.count
        }
        figures.cumulate()
        return (figures, plans)
    }

    /// Adds what the rows of a block hold of an asset.
    ///
    /// - Parameter special: accounts that the model has to be asked about are added.
    /// - Returns: rows that are not in liquidation and that a rung may carry there.
    private mutating func hold(
        _ asset: Int32, in block: Int, _ figures: inout ExposureFigures, special: inout [Int32]
    ) -> [Int] {
        let rows = book.blocks[block]
        let deepest = max(Exposure.rises.max() ?? 0, Exposure.falls.max() ?? 0)
        let price = book.columns.price(of: asset)
        let debtPrice = book.columns.debtPrice(of: asset)
        return RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            var endangered: [Int] = []
            for row in 0..<rows.count {
                let base = row * rows.width
                guard
                    let slot = (0..<rows.width).first(where: { reader.assets[base + $0] == asset })
                else { continue }
                let valued = reader.all(row)
                // Of a mixed owner the others' marks move with the market too.
                if valued.isSpecial || rows.isMixed {
                    special.append(rows.accounts[row])
                    continue
                }
                let quantity =
                    rows.depth > 0 ? reader.scratch[slot] : reader.quantities[base + slot]
                if quantity != 0 { figures.accounts += 1 }
                figures.pledged += max(0, quantity)
                figures.pledgedValue += max(0, quantity) * price
                figures.borrowed += max(0, -quantity)
                let excess = valued.excess[1]
                let atRisk = 1.000_001 * deepest * abs(quantity) * max(price, debtPrice)
                if excess >= 0 && (rows.depth > 0 || excess <= atRisk) { endangered.append(row) }
            }
            return endangered
        }
    }

    /// Adds what the plans of rows that a rung breaches would sell.
    ///
    /// - Returns: how many plans it took.
    private mutating func force(
        _ endangered: [Int], of block: Int, _ asset: Int32, in market: AssetMarket,
        _ figures: inout ExposureFigures
    ) -> Int {
        var plans = 0
        var breached: [[Rung]] = endangered.map { _ in [] }
        for rung in Rung.all {
            let after = rung.applied(to: market)
            for index in self.breached(endangered, of: block, asset, in: after, rung) {
                breached[index].append(rung)
            }
        }
        for (index, row) in endangered.enumerated() where !breached[index].isEmpty {
            let account = book.blocks[block].accounts[row]
            let owner = book.owner(of: account)
            guard let place = book.accounts(of: owner).firstIndex(of: account) else { continue }
            let valuation = value(owner)
            for rung in breached[index] {
                let after = rung.applied(to: valuation, market.asset)
                rung.add(after.forcedSale(of: place, asset: market.asset), to: &figures)
                plans += 1
            }
        }
        return plans
    }

    /// Which of some rows are below their line of liquidation in another market of an asset.
    private mutating func breached(
        _ numbers: [Int], of block: Int, _ asset: Int32, in market: AssetMarket, _ rung: Rung
    ) -> [Int] {
        guard let time else { return [] }
        let rows = book.blocks[block]
        var columns = book.columns
        columns.update(asset, to: market, at: time)
        var instruments = book.instruments
        if rows.depth > 0, case .fall = rung {
            instruments.marketChanged(asset)
            if instruments.stale.contains(asset) {
                instruments.revalue([(asset, market)], model.instruments)
            }
        }
        return RowReader.reading(
            rows, columns, instruments, scratch: &scratch, lines: lines
        ) { reader in
            numbers.indices.filter { reader.all(numbers[$0]).excess[1] < 0 }
        }
    }
}
