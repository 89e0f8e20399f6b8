import Haircuts
import Kafka
import Margin
import Messages
import Quantities

/// What must be true of each margin requirement, of the one after it, and of alerts beside them.
struct MarginCheck {
    /// An alert that there is, or that there must be.
    private struct Alert: Hashable, CustomStringConvertible {
        var account: Identifier
        var previous: MarginStatus
        var level: MarginStatus
        /// Of the log; nil when the record is in none.
        var transaction: Int?

        func isSame(as other: Alert) -> Bool {
            (account, previous, level) == (other.account, other.previous, other.level)
        }

        var description: String {
            "\(account) from \(previous) to \(level), transaction "
                + (transaction.map { "\($0)" } ?? "none")
        }
    }

    /// Whether a requirement or an alert may come again, as it was.
    var mayRepeat = false
    /// Requirements of the accounts as they are open, by sequence, where they may come again.
    private var values: [Identifier: [Int64: [UInt8]]] = [:]
    /// Accounts of which a sequence came twice with different content.
    private var forked: [Identifier: String] = [:]
    private var alertValues: [String: [UInt8]] = [:]
    /// Alerts that came twice with different content.
    private var changedAlerts: Set<String> = []
    private(set) var last: [Identifier: MarginRequirement] = [:]
    /// Alerts that requirements call for, by account in order.
    private var called: [Identifier: [Alert]] = [:]
    private var seen: [Identifier: [Alert]] = [:]
    private var ids: Set<String> = []
    private var requirements = MarginRequirementDecoder()
    private var alerts = LiquidationAlertDecoder()
    private var requirement = MarginRequirement.blank
    private var alert = LiquidationAlert.blank

    mutating func see(
        requirement record: StoredRecord, _ place: TopicPartition, transaction: Int?
    ) -> Violation? {
        guard let key = record.key else {
            return Violation(.readable, "\(place) \(record.offset) has no key")
        }
        guard let value = record.value else { return close(key, place) }
        do throws(Refusal) {
            try requirements.decode(value, key: key, recordTimestamp: nil, into: &requirement)
        } catch {
            return Violation(.readable, "\(place) \(record.offset): \(error)")
        }
        let account = requirement.account
        let previous = last[account]
        let name = "\(place) \(account), sequence \(requirement.sequence)"
        if let before = values[account]?[requirement.sequence] {
            if before == Array(value) { return nil }
            // The one that came last wins; it is looked at again at the end.
            forked[account] = name
            last[account] = requirement
            values[account]?[requirement.sequence] = Array(value)
            return nil
        }
        if mayRepeat { values[account, default: [:]][requirement.sequence] = Array(value) }
        guard requirement.sequence == (previous?.sequence ?? 0) + 1 else {
            return Violation(.sequence, "\(name), not \((previous?.sequence ?? 0) + 1)")
        }
        if let previous, requirement.time < previous.time {
            return Violation(.order, "\(name): \(requirement.time) after \(previous.time)")
        }
        let before = previous?.status ?? .healthy
        if before != requirement.status {
            called[account, default: []].append(
                Alert(
                    account: account, previous: before, level: requirement.status,
                    transaction: transaction))
        }
        last[account] = requirement
        return checkAlerts(of: account)
    }

    /// A tombstone ends the account; should it come back, it begins anew.
    private mutating func close(_ key: UnsafeRawBufferPointer, _ place: TopicPartition)
        -> Violation?
    {
        guard let account = try? MarginRequirementDecoder.decodeKey(key) else {
            return Violation(.readable, "\(place): a tombstone of no account")
        }
        last[account] = nil
        values[account] = nil
        return nil
    }

    mutating func see(
        alert record: StoredRecord, _ place: TopicPartition, transaction: Int?
    ) -> Violation? {
        guard let key = record.key, let value = record.value else {
            return Violation(.readable, "\(place) \(record.offset) has no key or no value")
        }
        do throws(Refusal) {
            try alerts.decode(value, key: key, recordTimestamp: nil, into: &alert)
        } catch {
            return Violation(.readable, "\(place) \(record.offset): \(error)")
        }
        if mayRepeat {
            let before = alertValues.updateValue(Array(value), forKey: alert.id)
            if before == Array(value) { return nil }
            // Computed again in another market, from another status perhaps: it counts as well.
            if before != nil { changedAlerts.insert("alert \(alert.id)") }
        } else if !ids.insert(alert.id).inserted {
            return Violation(.sequence, "alert \(alert.id) of \(alert.account) comes twice")
        }
        seen[alert.account, default: []].append(
            Alert(
                account: alert.account, previous: alert.previous, level: alert.level,
                transaction: transaction))
        return checkAlerts(of: alert.account)
    }

    /// As far as both are there: markers may show one topic before the other.
    ///
    /// Where they may come again it waits for the end: an alert may be missing in between.
    private func checkAlerts(of account: Identifier) -> Violation? {
        guard !mayRepeat else { return nil }
        for (expected, alert) in zip(called[account] ?? [], seen[account] ?? []) {
            var other = alert
            other.transaction = expected.transaction
            guard other == expected else {
                return Violation(.difference, "\(alert), where requirements say \(expected)")
            }
            guard alert.transaction == expected.transaction else {
                return Violation(.together, "\(alert), but the requirement is in another")
            }
        }
        return nil
    }

    /// Whether each account ended where positions and tables lead. A status may still be the
    /// worse one that it is about to leave (MODEL §8), never a better one.
    func compareLast(with reference: MarginReference) -> Violation? {
        for expected in reference.requirements {
            guard let ended = last[expected.account] else {
                return Violation(.convergence, "\(expected.account) has no requirement")
            }
            let isSame =
                ended.positionsSequence == expected.positionsSequence
                && Self.held(ended) == Self.held(expected)
                && ended.status >= expected.status
            guard isSame else {
                return Violation(
                    .convergence,
                    """
                    \(ended.account) ended \(ended.status) with positions \
                    \(ended.positionsSequence); its inputs say \(expected.status) with \
                    \(expected.positionsSequence)
                    """)
            }
        }
        return nil
    }

    /// Quantities of the assets that no mark joins, so that prices do not move them.
    private static func held(_ requirement: MarginRequirement) -> [FixedDecimal] {
        requirement.assets.filter { $0.asset != Production.margin.valuationCurrency }
            .map(\.quantity)
    }

    /// Once all is quiet none may be missing.
    ///
    /// - Parameter wasDisturbed: whether requests or processes failed. At least once, an alert may
    ///   then be there without its requirement: a worker that ends between the two writes computes
    ///   the requirement again, and the market may have moved on. And nothing fences a worker that
    ///   lost its partitions: its requirement may have the sequence of another's, of which the last
    ///   wins; alerts of such an account are not compared.
    func final(wasDisturbed: Bool) -> Violation? {
        if !wasDisturbed, let name = forked.values.min() ?? changedAlerts.min() {
            return Violation(.repeated, "\(name), is not as it was")
        }
        let accounts = Set(called.keys).union(seen.keys).subtracting(forked.keys)
        for account in accounts.sorted() {
            let (expected, alerts) = (called[account] ?? [], seen[account] ?? [])
            var next = alerts.startIndex
            for alert in expected {
                // In transactions those that are together were compared before.
                guard let place = alerts[next...].firstIndex(where: { $0.isSame(as: alert) }) else {
                    return Violation(.difference, "missing is \(alert)")
                }
                next = place + 1
            }
            guard expected.count == alerts.count || mayRepeat && wasDisturbed else {
                return Violation(
                    .difference,
                    "of \(account) there are \(alerts.count) alerts of \(expected.count)")
            }
        }
        return nil
    }
}
