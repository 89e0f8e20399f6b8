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

    /// Values owners anew and publishes those of their accounts whose status or positions changed,
    /// largest shortfall first, then in order of their names.
    ///
    /// - Parameter renewed: an account whose positions were replaced, which is published anyhow.
    mutating func publishChanges(
        of owners: [Int32], renewed: Identifier? = nil, cause: Cause,
        to sink: inout some MarginSink
    ) {
        guard isServing else { return }
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
    }

    private func findChanges(
        of owner: Int32, renewed: Identifier?, into changes: inout [Change]
    ) {
        let numbers = book.owner(owner).accounts
        guard !numbers.isEmpty else { return }
        let valuation = value(owner)
        for (index, account) in numbers.enumerated() {
            let figures = valuation.figures(of: index)
            let output = book.accounts[Int(account)].output
            let previous = output?.status ?? .healthy
            let status = figures.status(after: previous, configuration.parameters)
            let positions = valuation.book.accounts[index].positionsSequence
            guard
                status != previous || positions != output?.positionsSequence
                    || book.names[account] == renewed
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
            lookUp: { tables[$0] })
    }

    private mutating func publish(
        _ change: Change, cause: Cause, to sink: inout some MarginSink
    ) {
        let output = book.accounts[Int(change.account)].output
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
                previous: output?.status ?? .healthy,
                cause: reason(for: change, after: output),
                shortfall: change.assessment.shortfall,
                distance: valuation.distance(of: change.index),
                plan: valuation.plan(of: change.index, budget: &budget))
        }
        book.accounts[Int(change.account)].output = requirement
        book.accounts[Int(change.account)].before = change.valuation
        sink.publish(requirement, alert: alert)
    }

    /// What changed an account's status since its last output: its positions, where there was none.
    private func reason(
        for change: Change, after output: MarginRequirement?
    ) -> AlertCause {
        guard let output, let before = book.accounts[Int(change.account)].before else {
            return .position
        }
        return change.valuation.cause(
            of: change.index, before: before, previous: output.status, status: change.status)
    }

    /// Publishes that nothing is left of an account.
    mutating func publishClosed(
        _ account: Identifier, cause: Cause, to sink: inout some MarginSink
    ) {
        let number = Int(book.number(of: account))
        guard let output = book.accounts[number].output, !output.isClosed else { return }
        let requirement = MarginRequirement.closing(
            output, time: time ?? output.time, cause: cause)
        var alert: LiquidationAlert?
        if output.status != .healthy {
            alert = LiquidationAlert(
                id: LiquidationAlert.identity(
                    of: account, sequence: requirement.sequence, level: .healthy),
                account: account, time: requirement.time, level: .healthy,
                previous: output.status, cause: .position, shortfall: .zero, distance: nil,
                plan: [])
        }
        book.accounts[number].output = requirement
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
