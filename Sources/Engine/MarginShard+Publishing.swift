import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// Requirements that have to go out now.
    private struct Changes {
        /// Of accounts below the line of liquidation, with −min(0, maintenance excess).
        var short: [(change: Change, shortfall: Double)] = []
        var others: [Change] = []

        mutating func append(_ change: Change, shortfall: Double) {
            if shortfall > 0 {
                short.append((change, shortfall))
            } else {
                others.append(change)
            }
        }

        mutating func sort(by names: IdentifierTable) {
            short.sort {
                if $0.shortfall != $1.shortfall { return $0.shortfall > $1.shortfall }
                return names.isOrdered($0.change.account, before: $1.change.account)
            }
            others.sort { names.isOrdered($0.account, before: $1.account) }
        }
    }

    private struct Change {
        var account: Int32
        var status: MarginStatus
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

    /// Publishes those of the owners' accounts whose status or positions changed.
    private mutating func publishChanges(
        of owners: [Int32], renewed: Set<Int32>, cause: Cause, to sink: inout some MarginSink
    ) {
        var changes = Changes()
        var accounts: [Int32] = []
        accounts.reserveCapacity(owners.count)
        var last: Int32?
        for owner in owners.sorted() where owner != last {
            findChanges(of: owner, renewed: renewed, into: &changes)
            accounts += book.accounts(of: owner)
            last = owner
        }
        changes.sort(by: book.names)
        for (change, _) in changes.short { publish(change, cause: cause, to: &sink) }
        for change in changes.others { publish(change, cause: cause, to: &sink) }
        // With another status, other positions, or those of another account of the owner, the
        // lines lie elsewhere.
        _ = screen(accounts: accounts)
    }

    private func findChanges(
        of owner: Int32, renewed: Set<Int32>, into changes: inout Changes
    ) {
        let accounts = book.accounts(of: owner)
        var valuation: OwnerValuation?
        for (index, account) in accounts.enumerated() {
            let figures: MarginFigures
            if let known = rowFigures(of: account) {
                figures = known
            } else {
                let current = valuation ?? value(owner)
                valuation = current
                figures = current.figures(of: index)
            }
            let output = book.lastOutput(of: account)
            let previous = output?.status ?? .healthy
            var status = figures.status(after: previous, configuration.parameters)
            if status > max(previous, .marginCall), holdsAwaited(account) {
                status = max(previous, .marginCall)
            }
            guard
                status != previous
                    || book.lastSnapshot(of: account)?.sequence != output?.positionsSequence
                    || renewed.contains(account)
            else { continue }
            changes.append(
                Change(account: account, status: status),
                shortfall: max(0, -figures.excess.maintenance))
        }
    }

    /// Whether an account has something in an asset that never had a table.
    private func holdsAwaited(_ account: Int32) -> Bool {
        guard !awaited.isEmpty, let snapshot = book.snapshot(of: account) else { return false }
        return snapshot.everyAsset(valuationCurrency: valuationCurrency)
            .contains { awaited.contains($0) }
    }

    /// Values the accounts of an owner at shard time.
    func value(_ owner: Int32) -> OwnerValuation {
        model.value(
            book.ownerBook(of: owner), at: time ?? Instant(nanoseconds: 0),
            lookUp: { tables[$0] }, valued: { book.instruments.valued($0) })
    }

    private mutating func publish(
        _ change: Change, cause: Cause, to sink: inout some MarginSink
    ) {
        let owner = book.owner(of: change.account)
        guard let index = book.accounts(of: owner).firstIndex(of: change.account) else { return }
        let valuation = value(owner)
        let assessment = valuation.assessment(of: index)
        let output = former.removeValue(forKey: change.account) ?? book.output(of: change.account)
        let requirement = assessment.requirement(
            time: time ?? Instant(nanoseconds: 0), sequence: (output?.sequence ?? 0) + 1,
            status: change.status, cause: cause)
        var alert: LiquidationAlert?
        if change.status != output?.status ?? .healthy {
            alert = LiquidationAlert(
                id: LiquidationAlert.identity(
                    of: requirement.account, sequence: requirement.sequence, level: change.status),
                account: requirement.account, time: requirement.time, level: change.status,
                previous: output?.status ?? .healthy,
                cause: reason(for: change.status, of: index, in: valuation, after: output),
                shortfall: assessment.shortfall, distance: valuation.distance(of: index),
                plan: valuation.plan(of: index, budget: &budget))
        }
        book.setOutput(requirement, of: change.account)
        sink.publish(requirement, alert: alert)
    }

    /// What changed an account's status since its last output: its positions, where there was none.
    private func reason(
        for status: MarginStatus, of index: Int, in valuation: OwnerValuation,
        after output: MarginRequirement?
    ) -> AlertCause {
        guard let output, !output.isClosed else { return .position }
        return valuation.cause(
            of: index, before: valuation.remembered(output, of: index), previous: output.status,
            status: status)
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
