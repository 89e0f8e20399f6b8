import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// A requirement that has to go out now.
    private struct Change {
        var account: Int32
        var valuation: OwnerValuation
        /// Of the account in the valuation.
        var index: Int
        var assessment: AccountAssessment
        var status: MarginStatus
        /// −min(0, maintenance excess).
        var shortfall: Double
    }

    /// Finds the accounts that a change concerns, and publishes those whose status or positions
    /// changed: largest shortfall first, then in order of their names.
    ///
    /// - Parameters:
    ///   - assets: numbers of those whose markets changed.
    ///   - owners: those whose accounts changed.
    ///   - renewed: accounts whose positions were replaced, which are published anyhow.
    mutating func settle(
        assets: [Int32], owners: [Int32], renewed: Set<Int32> = [], cause: Cause,
        to sink: inout some MarginSink
    ) {
        guard isServing else { return }
        let rows = screen(assets)
        var concerned = owners
        for asset in assets { concerned += book.ownersApart(holding: asset) }
        for account in rows { concerned.append(book.owner(of: account)) }
        publishChanges(of: concerned, renewed: renewed, cause: cause, to: &sink)
    }

    /// Asks the model about owners, and publishes those of their accounts whose status or
    /// positions changed.
    mutating func publishChanges(
        of owners: [Int32], renewed: Set<Int32> = [], cause: Cause, to sink: inout some MarginSink
    ) {
        var changes: [Change] = []
        var seen: Set<Int32> = []
        for owner in owners where seen.insert(owner).inserted {
            findChanges(of: owner, renewed: renewed, into: &changes)
        }
        changes.sort {
            if $0.shortfall != $1.shortfall { return $0.shortfall > $1.shortfall }
            return $0.assessment.account < $1.assessment.account
        }
        for change in changes { publish(change, cause: cause, to: &sink) }
        // With another status, or other positions, the lines lie elsewhere.
        _ = screen(accounts: changes.map(\.account))
    }

    private func findChanges(
        of owner: Int32, renewed: Set<Int32>, into changes: inout [Change]
    ) {
        let numbers = book.accounts(of: owner)
        guard !numbers.isEmpty else { return }
        let valuation = value(owner)
        for (index, account) in numbers.enumerated() {
            let figures = valuation.figures(of: index)
            let output = book.lastOutput(of: account)
            let previous = output?.status ?? .healthy
            let status = figures.status(after: previous, configuration.parameters)
            let positions = valuation.book.accounts[index].positionsSequence
            guard
                status != previous || positions != output?.positionsSequence
                    || renewed.contains(account)
            else { continue }
            changes.append(
                Change(
                    account: account, valuation: valuation, index: index,
                    assessment: valuation.assessment(of: index), status: status,
                    shortfall: max(0, -figures.excess.maintenance)))
        }
    }

    /// Values the accounts of an owner at shard time.
    func value(_ owner: Int32) -> OwnerValuation {
        model.value(
            book.snapshots(of: owner), at: time ?? Instant(nanoseconds: 0),
            lookUp: { tables[$0] }, valued: { book.instruments.valued($0) })
    }

    private mutating func publish(
        _ change: Change, cause: Cause, to sink: inout some MarginSink
    ) {
        let output = former.removeValue(forKey: change.account) ?? book.output(of: change.account)
        let requirement = change.assessment.requirement(
            time: time ?? Instant(nanoseconds: 0), sequence: (output?.sequence ?? 0) + 1,
            status: change.status, cause: cause)
        var alert: LiquidationAlert?
        if change.status != output?.status ?? .healthy {
            let valuation = change.valuation
            alert = LiquidationAlert(
                id: LiquidationAlert.identity(
                    of: requirement.account, sequence: requirement.sequence, level: change.status),
                account: requirement.account, time: requirement.time, level: change.status,
                previous: output?.status ?? .healthy, cause: reason(for: change, after: output),
                shortfall: change.assessment.shortfall,
                distance: valuation.distance(of: change.index),
                plan: valuation.plan(of: change.index, budget: &budget))
        }
        book.setOutput(requirement, of: change.account)
        sink.publish(requirement, alert: alert)
    }

    /// What changed an account's status since its last output: its positions, where there was none.
    private func reason(
        for change: Change, after output: MarginRequirement?
    ) -> AlertCause {
        guard let output, !output.isClosed else { return .position }
        let before = change.valuation.remembered(output, of: change.index)
        return change.valuation.cause(
            of: change.index, before: before, previous: output.status, status: change.status)
    }

    /// Publishes that nothing is left of an account.
    mutating func publishClosed(
        _ account: Int32, cause: Cause, to sink: inout some MarginSink
    ) {
        guard let output = book.output(of: account), !output.isClosed else { return }
        let requirement = MarginRequirement.closing(
            output, time: time ?? output.time, cause: cause)
        var alert: LiquidationAlert?
        if output.status != .healthy {
            alert = LiquidationAlert(
                id: LiquidationAlert.identity(
                    of: requirement.account, sequence: requirement.sequence, level: .healthy),
                account: requirement.account, time: requirement.time, level: .healthy,
                previous: output.status, cause: .position, shortfall: .zero, distance: nil,
                plan: [])
        }
        book.setOutput(requirement, of: account)
        sink.publish(requirement, alert: alert)
    }
}

extension MarginRequirement {
    /// The requirement of an account of which nothing is left.
    static func closing(
        _ last: MarginRequirement, time: Instant, cause: Cause
    ) -> MarginRequirement {
        MarginRequirement(
            account: last.account, time: time, sequence: last.sequence + 1, status: .healthy,
            equity: .zero, collateral: .zero, unrealised: .zero, requirement: .zero,
            excess: .zero, marginRatio: nil, assets: [], reasons: [], risk: [],
            positionsSequence: last.positionsSequence, cause: cause)
    }

    /// Whether it says that nothing is left.
    var isClosed: Bool {
        assets.isEmpty && risk.isEmpty && status == .healthy && requirement == .zero
    }
}

extension LiquidationAlert {
    /// A hash of the account, the requirement's sequence and the level: 32 hexadecimal digits, the
    /// same in every run.
    ///
    /// - Source: FNV-1a, 64 bits, from two offsets.
    public static func identity(
        of account: Identifier, sequence: Int64, level: MarginStatus
    ) -> String {
        var low: UInt64 = 0xcbf2_9ce4_8422_2325
        var high: UInt64 = 0x9e37_79b9_7f4a_7c15
        func mix(_ byte: UInt8) {
            low = (low ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            high ^= high >> 29
        }
        for index in 0..<account.utf8Count { mix(account.byte(at: index)) }
        mix(UInt8(ascii: "|"))
        for shift in stride(from: 0, to: 64, by: 8) {
            mix(UInt8(truncatingIfNeeded: sequence >> Int64(shift)))
        }
        mix(UInt8(level.severity))
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 32) { text in
            for index in 0..<16 {
                let shift = UInt64(60 - 4 * index)
                text[index] = digits[Int((high >> shift) & 15)]
                text[16 + index] = digits[Int((low >> shift) & 15)]
            }
            return 32
        }
    }
}
