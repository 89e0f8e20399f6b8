import Haircuts
import Kafka
import Messages
import Quantities

/// What must be true of each haircut table and of the one after it.
struct HaircutCheck {
    /// Values in the order of their commits, by partition.
    private(set) var outputs: [Int32: [[UInt8]]] = [:]
    private var last: [Identifier: HaircutTable] = [:]
    private var lastCause: [Identifier: [String: Int64]] = [:]
    private var decoder = HaircutDecoder()
    private var table = HaircutTable.blank

    /// Of each asset, in their order.
    var lastTables: [HaircutTable] { last.keys.sorted().compactMap { last[$0] } }

    mutating func see(_ record: StoredRecord, _ place: TopicPartition) -> Violation? {
        guard let key = record.key, let value = record.value else {
            return Violation(.readable, "\(place) \(record.offset) has no key or no value")
        }
        do throws(Refusal) {
            try decoder.decode(value, key: key, recordTimestamp: nil, into: &table)
        } catch {
            return Violation(.readable, "\(place) \(record.offset): \(error)")
        }
        outputs[place.partition, default: []].append(Array(value))
        defer { last[table.asset] = table }
        return checkAlone(place) ?? checkAfter(last[table.asset], place)
    }

    private func checkAlone(_ place: TopicPartition) -> Violation? {
        for tier in table.tiers {
            let isWhole =
                tier.initial.millionths % 500 == 0 && tier.maintenance.millionths % 500 == 0
            guard isWhole, tier.initial >= tier.maintenance else {
                return Violation(.ticks, name(place))
            }
        }
        return nil
    }

    private mutating func checkAfter(
        _ previous: HaircutTable?, _ place: TopicPartition
    ) -> Violation? {
        let expected = (previous?.sequence ?? 0) + 1
        guard table.sequence == expected else {
            return Violation(.sequence, "\(name(place)), not \(expected)")
        }
        if case .record(let topic, _, let offset) = table.cause {
            if let before = lastCause[table.asset]?[topic], before >= offset {
                return Violation(.order, "\(name(place)): caused by \(offset) after \(before)")
            }
            lastCause[table.asset, default: [:]][topic] = offset
        }
        guard let previous else { return nil }
        guard table.time >= previous.time else {
            return Violation(.order, "\(name(place)): \(table.time) after \(previous.time)")
        }
        let overlaid: Bounds = [.override, .freeze, .fallback]
        guard table.boundBy.isDisjoint(with: overlaid), previous.boundBy.isDisjoint(with: overlaid)
        else { return nil }
        return checkMove(previous, place)
    }

    /// The first tier is the first grid point, whose path the limiter bounds: at the rate of the
    /// state for as long as tables follow each other within a second, and five more at once.
    private func checkMove(_ previous: HaircutTable, _ place: TopicPartition) -> Violation? {
        let seconds = min(table.time.seconds(since: previous.time), 6.1)
        // The state may have been another between the two.
        let rise = 0.02 * seconds / 60 + 0.0005 + 1e-9
        let fall = 0.0005 * seconds / 60 + 0.0005 + 1e-9
        for (now, before) in [
            (table.initial, previous.initial), (table.maintenance, previous.maintenance),
        ] {
            let move = now.double - before.double
            guard move <= rise, move >= -fall else {
                return Violation(
                    .limiter,
                    "\(name(place)): from \(before) at \(previous.time), \(previous.state), to "
                        + "\(now) at \(table.time), \(table.state)")
            }
            let isStopped =
                table.state != .normal && previous.state != .normal
                || table.components.quoteAge >= 60
            guard move >= 0 || !isStopped else {
                return Violation(.stale, "\(name(place)): from \(before) to \(now)")
            }
        }
        return nil
    }

    private func name(_ place: TopicPartition) -> String {
        "\(place) \(table.asset), sequence \(table.sequence)"
    }

    /// Whether each asset ended where its inputs lead.
    ///
    /// - Parameters:
    ///   - hasTimers: the last table may be of a time after the last record's.
    ///   - hasExposures: targets depend on what accounts pledge, which the reference does not see.
    func compareLast(
        with reference: Reference, hasTimers: Bool, hasExposures: Bool
    ) -> Violation? {
        for ended in reference.last {
            guard let table = last[ended.asset] else {
                return Violation(.convergence, "\(ended.asset) has no table")
            }
            let later = hasTimers ? reference.table(of: ended.asset, at: table.time) : nil
            let expected = later ?? ended
            func near(_ left: Double, _ right: Double, _ tolerance: Double) -> Bool {
                abs(left - right) <= tolerance * max(abs(left), abs(right), 1e-3)
            }
            let isSame =
                table.mid == expected.mid && table.reference == expected.reference
                && table.price == expected.price && table.debtPrice == expected.debtPrice
                && table.components.depth == expected.components.depth
                && near(table.components.spread, expected.components.spread, 0.05)
                && (hasExposures
                    || near(table.target.maintenance, expected.target.maintenance, 0.02))
            guard isSame else {
                return Violation(
                    .convergence,
                    """
                    \(table.asset) ended at mid \(table.mid), reference \(table.reference), \
                    depth \(table.components.depth), spread \(table.components.spread), target \
                    \(table.target.maintenance); its inputs say \(expected.mid), \
                    \(expected.reference), \(expected.components.depth), \
                    \(expected.components.spread), \(expected.target.maintenance)
                    """)
            }
        }
        return nil
    }
}
