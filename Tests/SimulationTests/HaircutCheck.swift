import Haircuts
import Kafka
import Messages
import Quantities

/// What must be true of each haircut table and of the one after it.
struct HaircutCheck {
    /// Values in the order of their commits, by partition.
    private(set) var outputs: [Int32: [[UInt8]]] = [:]
    /// Whether a table may come again, as it was.
    var mayRepeat = false
    private var seen: [Identifier: [Int64: [UInt8]]] = [:]
    private var last: [Identifier: HaircutTable] = [:]
    private var lastCause: [Identifier: [String: Int64]] = [:]
    /// Of each asset, what the limiter's path is at most.
    private var paths: [Identifier: PathBound] = [:]
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
        if mayRepeat {
            if let before = seen[table.asset]?[table.sequence] {
                guard before == Array(value) else {
                    return Violation(.repeated, "\(name(place)), is not as it was")
                }
                return nil
            }
            seen[table.asset, default: [:]][table.sequence] = Array(value)
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
        guard let previous else {
            paths[table.asset] = PathBound(table)
            return nil
        }
        guard table.time >= previous.time else {
            return Violation(.order, "\(name(place)): \(table.time) after \(previous.time)")
        }
        guard paths[table.asset, default: PathBound(previous)].admits(table, after: previous)
        else { return Violation(.limiter, describe(previous, place)) }
        let overlaid: Bounds = [.override, .freeze, .fallback]
        guard table.boundBy.isDisjoint(with: overlaid), previous.boundBy.isDisjoint(with: overlaid)
        else { return nil }
        return checkMove(previous, place)
    }

    /// A fall is bounded by the rate of the normal state, and there is none while stopped.
    private func checkMove(_ previous: HaircutTable, _ place: TopicPartition) -> Violation? {
        let fall = 0.0005 * PathBound.minutes(from: previous, to: table) + PathBound.tick
        let isStopped =
            table.state != .normal && previous.state != .normal || table.components.quoteAge >= 60
        for (now, before) in [
            (table.initial, previous.initial), (table.maintenance, previous.maintenance),
        ] {
            let move = now.double - before.double
            guard move >= -fall else { return Violation(.limiter, describe(previous, place)) }
            guard move >= 0 || !isStopped else {
                return Violation(.stale, "\(name(place)): from \(before) to \(now)")
            }
        }
        return nil
    }

    private func describe(_ previous: HaircutTable, _ place: TopicPartition) -> String {
        """
        \(name(place)): from \(previous.initial), \(previous.maintenance) at \(previous.time), \
        \(previous.state), to \(table.initial), \(table.maintenance) at \(table.time), \
        \(table.state)
        """
    }

    private func name(_ place: TopicPartition) -> String {
        "\(place) \(table.asset), sequence \(table.sequence)"
    }

    /// Whether each asset ended where its inputs lead.
    ///
    /// - Parameters:
    ///   - hasTimers: the last table may be of a time after the last record's.
    ///   - hasExposures: targets depend on what accounts pledge, which the reference does not see.
    ///   - isLoose: what was before the last books is not the same; they alone are compared.
    func compareLast(
        with reference: Reference, hasTimers: Bool, hasExposures: Bool, isLoose: Bool
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
                table.mid == expected.mid && table.components.depth == expected.components.depth
                && (isLoose
                    || table.reference == expected.reference
                        && table.price == expected.price && table.debtPrice == expected.debtPrice
                        && near(table.components.spread, expected.components.spread, 0.05)
                        && (hasExposures
                            || near(table.target.maintenance, expected.target.maintenance, 0.02)))
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

extension HaircutCheck {
    /// Whether each asset ended as people ordered.
    func compareLast(with controls: ControlReference) -> Violation? {
        for table in lastTables {
            let floor = controls.floor(under: table.asset, at: table.time)
            let isUnder = table.tiers.allSatisfy { tier in
                tier.initial.double >= (floor?.initial ?? 0)
                    && tier.maintenance.double >= (floor?.maintenance ?? 0)
            }
            guard isUnder, floor != nil || !table.boundBy.contains(.override) else {
                return Violation(
                    .control,
                    "\(table.asset) ended at \(table.initial), bound by \(table.boundBy); "
                        + "the override is \(floor.map { "\($0)" } ?? "none")")
            }
            if controls.isFrozen(table.asset, at: table.time), table.state != .frozen {
                return Violation(.control, "\(table.asset) ended \(table.state), not frozen")
            }
        }
        return nil
    }
}

/// What the limiter's path of an asset's first grid point is at most, as its tables show.
///
/// The path is never above what is published, but for maintenance that the governor holds back:
/// what it held may come at once later, so there the path is followed on (MODEL §4, §5).
private struct PathBound {
    private var initial: Double
    private var maintenance: Double

    /// Of what is published, and of binary noise.
    static let tick = 0.0005 + 1e-9

    init(_ table: HaircutTable) {
        initial = table.initial.double
        maintenance = table.maintenance.double
    }

    /// Of allowance: tables follow each other within a second where anybody looks, and the limiter
    /// gives five more at once.
    static func minutes(from previous: HaircutTable, to table: HaircutTable) -> Double {
        min(table.time.seconds(since: previous.time), 6.1) / 60
    }

    /// Follows the path to a table, at the rate of the stressed state: what the state was between
    /// the two is not said.
    ///
    /// - Returns: whether what is published is within a tick of what it may be.
    mutating func admits(_ table: HaircutTable, after previous: HaircutTable) -> Bool {
        let rise = 0.02 * Self.minutes(from: previous, to: table)
        initial += rise
        maintenance += rise
        let overlaid: Bounds = [.override, .freeze, .fallback]
        let isAdmitted =
            !table.boundBy.isDisjoint(with: overlaid)
            || table.initial.double <= initial + Self.tick
                && table.maintenance.double <= maintenance + Self.tick
        initial = min(initial, table.initial.double)
        if table.boundBy.isDisjoint(with: .governor) {
            maintenance = min(maintenance, table.maintenance.double)
        }
        return isAdmitted
    }
}
