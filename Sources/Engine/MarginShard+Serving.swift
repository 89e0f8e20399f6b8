import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// Takes back an account's last output, before serving.
    public mutating func restore(_ requirement: borrowing MarginRequirement) {
        let requirement = copy requirement
        let number = Int(book.number(of: requirement.account))
        book.accounts[number].output = requirement
        time = max(time ?? requirement.time, requirement.time)
    }

    /// Takes back an asset's last exposure, before serving.
    public mutating func restore(_ exposure: borrowing Exposure) {
        exposures.restore(exposure.asset, sequence: exposure.sequence, time: exposure.time)
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
        for snapshot in book.everySnapshot {
            unknown.note(snapshot, in: tables, valuationCurrency)
        }
        for account in book.closedAccounts { publishClosed(account, cause: cause, to: &sink) }
        publishChanges(of: book.everyOwner, cause: cause, to: &sink)
        for asset in tables.listed { exposures.touch(asset) }
        for asset in exposures.touched { publishExposure(of: asset, to: &sink) }
    }

    /// Publishes accounts whose figures moved beyond their tolerance or that were not published
    /// for long, nearest their line first.
    ///
    /// Which accounts are due is found out at most every `RefreshQueue.passMilliseconds` of shard
    /// time; what a call leaves over waits for the next.
    ///
    /// - Parameter count: the most to publish; ≥ 0.
    /// - Returns: how many were published.
    public mutating func refresh(atMost count: Int, to sink: inout some MarginSink) -> Int {
        guard isServing, let time else { return 0 }
        if refreshing.isPassDue(at: time) {
            refreshing.fill(with: due(at: time), at: time)
        }
        var published = 0
        while published < count, let account = refreshing.next() {
            let state = book.accounts[Int(account)]
            guard state.snapshot != nil, let output = state.output,
                output.time < refreshing.passTime
            else { continue }
            let valuation = value(state.owner)
            let numbers = book.owner(state.owner).accounts
            guard let index = numbers.firstIndex(of: account) else { continue }
            let requirement = valuation.assessment(of: index).requirement(
                time: time, sequence: output.sequence + 1, status: output.status,
                cause: cause ?? .timer(time))
            book.accounts[Int(account)].output = requirement
            sink.publish(requirement, alert: nil)
            published += 1
        }
        return published
    }

    /// The accounts that are due for a refresh.
    private func due(at time: Instant) -> [RefreshQueue.Entry] {
        var due: [RefreshQueue.Entry] = []
        for owner in book.everyOwner {
            var valuation: OwnerValuation?
            for (index, account) in book.owner(owner).accounts.enumerated() {
                guard let output = book.accounts[Int(account)].output else { continue }
                let rule = RefreshRule(output, configuration.parameters)
                guard rule.mayBeDue(at: time) else { continue }
                let current = valuation ?? value(owner)
                valuation = current
                let figures = current.figures(of: index)
                guard rule.isDue(figures.excess, at: time) else { continue }
                due.append(
                    RefreshQueue.Entry(
                        account: account, name: book.names[account],
                        distance: figures.distanceToNextLine(
                            from: output.status, configuration.parameters)))
            }
        }
        return due
    }
}
