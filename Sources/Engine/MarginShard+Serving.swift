import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// Takes back an account's last output, before serving.
    public mutating func restore(_ requirement: borrowing MarginRequirement) {
        let requirement = copy requirement
        isCold = false
        let account = book.number(of: requirement.account)
        former[account] = nil
        if book.isOpen(account), let last = book.lastSnapshot(of: account),
            last.sequence != requirement.positionsSequence
        {
            former[account] = requirement
        }
        book.setOutput(requirement, of: account)
        lastRestored = max(lastRestored ?? requirement.time, requirement.time)
        time = max(time ?? requirement.time, requirement.time)
    }

    /// Takes back an asset's last exposure, before serving.
    public mutating func restore(_ exposure: borrowing Exposure) {
        exposures.restore(
            book.assetNumber(of: exposure.asset), sequence: exposure.sequence, time: exposure.time,
            settlements: exposure.settlements.count)
        tables.restore(
            exposure.settlements.map {
                AssetMarket.Settlement(expiry: $0.expiry, price: $0.price.double)
            }, of: exposure.asset)
        time = max(time ?? exposure.time, exposure.time)
    }

    /// Begins to publish, with what differs from the last outputs: every account whose status or
    /// positions differ or that was never published, and of those closed meanwhile that nothing is
    /// left. Figures that merely moved are refreshed within the budget, by `refresh`.
    public mutating func serve(to sink: inout some MarginSink) {
        guard !isServing else { return }
        isServing = true
        let cause = cause ?? .timer(time ?? Instant(nanoseconds: 0))
        self.cause = cause
        resumeBudget()
        for account in book.closedAccounts {
            former[account] = nil
            publishClosed(account, cause: cause, to: &sink)
        }
        var concerned: [Int32] = book.everyOwnerApart
        var reopened: Set<Int32> = []
        for account in book.everyOpenAccount {
            guard let snapshot = book.snapshot(of: account) else { continue }
            unknown.note(snapshot, in: tables, valuationCurrency)
            if former[account]?.isClosed ?? false, !snapshot.isEmpty { reopened.insert(account) }
            let output = book.lastOutput(of: account)
            if output == nil || reopened.contains(account)
                || output?.positionsSequence != book.lastSnapshot(of: account)?.sequence
            {
                concerned.append(book.owner(of: account))
            }
        }
        settle(
            assets: [], owners: concerned, renewed: reopened, cause: cause, to: &sink)
        for asset in tables.listed { exposures.touch(book.assetNumber(of: asset)) }
        publishExposures(to: &sink)
    }

    /// An account whose alert of before still stands.
    private struct Standing {
        var account: Int32
        /// Of its owner's accounts.
        var index: Int
        /// −min(0, maintenance excess).
        var shortfall: Double
    }

    /// Gives to the plans published before what they may still sell, before any new one.
    ///
    /// Plans are in alerts, which are not restored. So the minute after the last output is left to
    /// what fell due then, and accounts that stay in liquidation are planned for anew, largest
    /// shortfall first, to reserve what they have yet to sell.
    private mutating func resumeBudget() {
        guard let lastRestored else { return }
        budget = TrancheBudget(after: lastRestored)
        revalueInstruments()
        var standing: [Standing] = []
        for account in book.everyOpenAccount {
            guard let status = book.lastOutput(of: account)?.status, status >= .liquidation,
                let index = book.accounts(of: book.owner(of: account)).firstIndex(of: account)
            else { continue }
            let figures =
                rowFigures(of: account) ?? value(book.owner(of: account)).figures(of: index)
            // Whose status changed is alerted of again, with a new plan.
            guard figures.status(after: status, configuration.parameters) == status else {
                continue
            }
            standing.append(
                Standing(
                    account: account, index: index,
                    shortfall: max(0, -figures.excess.maintenance)))
        }
        standing.sort {
            if $0.shortfall != $1.shortfall { return $0.shortfall > $1.shortfall }
            return book.names.isOrdered($0.account, before: $1.account)
        }
        for account in standing {
            let valuation = value(book.owner(of: account.account))
            _ = valuation.plan(of: account.index, budget: &budget)
        }
    }
}
