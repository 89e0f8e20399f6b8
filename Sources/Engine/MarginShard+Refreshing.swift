import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// Publishes accounts whose figures moved beyond their tolerance or that were not published
    /// for long, nearest their line first.
    ///
    /// Which accounts are due is found out at most every `RefreshQueue.passMilliseconds` of shard
    /// time; what a call leaves over waits for the next.
    ///
    /// - Parameter count: the most to publish; ≥ 0.
    /// - Returns: how many were published.
    public mutating func refresh(atMost count: Int, to sink: inout some MarginSink) -> Int {
        guard isServing, count > 0, let time else { return 0 }
        if refreshing.isPassDue(at: time) {
            revalueInstruments()
            refreshing.fill(with: due(at: time), at: time, names: book.names)
        }
        var published = 0
        while published < count, let account = refreshing.next() {
            guard book.isOpen(account), let output = book.lastOutput(of: account),
                output.time < refreshing.passTime
            else { continue }
            let owner = book.owner(of: account)
            guard let index = book.accounts(of: owner).firstIndex(of: account) else { continue }
            let requirement = value(owner).assessment(of: index).requirement(
                time: time, sequence: output.sequence + 1, status: output.status,
                cause: cause ?? .timer(time))
            book.setOutput(requirement, of: account)
            sink.publish(requirement, alert: nil)
            published += 1
        }
        return published
    }

    /// The accounts that are due for a refresh.
    private mutating func due(at time: Instant) -> [RefreshQueue.Entry] {
        var due: [RefreshQueue.Entry] = []
        var owners = book.everyOwnerApart
        for block in book.blocks.indices {
            let (entries, special) = dueRows(of: block, at: time)
            due += entries
            owners += special.map { book.owner(of: $0) }
        }
        for owner in owners { appendDue(of: owner, at: time, to: &due) }
        return due
    }

    private mutating func dueRows(
        of block: Int, at time: Instant
    ) -> (due: [RefreshQueue.Entry], special: [Int32]) {
        let rows = book.blocks[block]
        let parameters = configuration.parameters
        return RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            var due: [RefreshQueue.Entry] = []
            var special: [Int32] = []
            for row in 0..<rows.count where rows.heads[row].output.sequence > 0 {
                let status = rows.states[row].status
                let rule = RefreshRule(
                    rows.heads[row].output, status: status,
                    requirement: rows.depth > 0 ? rows.pastDerivatives[row].requirement : .zero,
                    parameters)
                guard rule.mayBeDue(at: time) else { continue }
                let figures = reader.all(row)
                if figures.isSpecial {
                    special.append(rows.accounts[row])
                } else if rule.isDue(MarginPair(figures.excess), at: time) {
                    due.append(
                        RefreshQueue.Entry(
                            account: rows.accounts[row],
                            distance: figures.figures.distanceToNextLine(
                                from: status, parameters)))
                }
            }
            return (due, special)
        }
    }

    private func appendDue(of owner: Int32, at time: Instant, to due: inout [RefreshQueue.Entry]) {
        var valuation: OwnerValuation?
        for (index, account) in book.accounts(of: owner).enumerated() {
            guard let output = book.output(of: account) else { continue }
            let rule = RefreshRule(output, configuration.parameters)
            guard rule.mayBeDue(at: time) else { continue }
            let current = valuation ?? value(owner)
            valuation = current
            let figures = current.figures(of: index)
            guard rule.isDue(figures.excess, at: time) else { continue }
            due.append(
                RefreshQueue.Entry(
                    account: account,
                    distance: figures.distanceToNextLine(
                        from: output.status, configuration.parameters)))
        }
    }
}
