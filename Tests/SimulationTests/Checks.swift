import Haircuts
import Kafka
import MemoryLog
import Quantities

/// Watches what readers of committed records are shown, and compares it with what should be there.
final class Checks {
    private let log: MemoryLog
    private let plan: Plan
    private var haircuts = HaircutCheck()
    private var breakers = BreakerCheck()
    private var margin = MarginCheck()
    private var deadLetters = DeadLetterCheck()
    /// What is read, partition by partition: looked at after every turn.
    private var watched: [Watched] = []
    private var lastTimestamp = Plan.start
    private var keyless: Int32 = 0
    /// Of each record of a foreign producer, how many came before it.
    private var order: [TopicPartition: [Int64: Int]] = [:]
    private var sent = 0

    init(_ log: MemoryLog, _ plan: Plan) {
        self.log = log
        self.plan = plan
        let mayRepeat = plan.delivery == .atLeastOnce
        haircuts.mayRepeat = mayRepeat
        breakers.mayRepeat = mayRepeat
        margin.mayRepeat = plan.marginDelivery == .atLeastOnce
        deadLetters.mayRepeat = mayRepeat || margin.mayRepeat
        for topic in [TopicName.alerts, .breakers, .deadLetters, .haircuts, .requirements] {
            for (number, partition) in log.partitions(of: topic.rawValue).enumerated()
            where number < plan.partitions {
                watched.append(
                    Watched(
                        topic: topic, place: TopicPartition(topic.rawValue, Int32(number)),
                        partition: partition))
            }
        }
    }

    private struct Watched {
        let topic: TopicName
        let place: TopicPartition
        let partition: MemoryPartition
        /// Of the next record to look at.
        var cursor: Int64 = 0
    }

    /// Appends a record of a foreign producer to the partition that its key belongs to.
    ///
    /// No two records have the same timestamp, so that their order by time is one, unless clocks
    /// jump.
    func append(_ input: Plan.Input) {
        lastTimestamp = max(lastTimestamp + 1, log.now)
        let key = input.key.map { Array($0.utf8) }
        let time = lastTimestamp - Plan.start
        let record = NewRecord(
            key: key, value: input.value, timestamp: Plan.start + (plan.jump?.shown(time) ?? time))
        let count = Int32(log.partitionCount(of: input.topic.rawValue) ?? 1)
        keyless += 1
        let partition =
            (input.partitionKey.map { Array($0.utf8) } ?? key)?.withUnsafeBytes {
                murmur2Partition(of: $0, partitionCount: count)
            }
            ?? keyless % count
        // A compacted topic refuses a record without a key, as a broker does.
        let place = TopicPartition(input.topic.rawValue, partition)
        guard let offset = try? log.append([record], to: place) else { return }
        order[place, default: [:]][offset] = sent
        sent += 1
    }

    /// Looks at what was committed since the last time.
    func step() -> Violation? {
        for index in watched.indices {
            let (partition, cursor) = (watched[index].partition, watched[index].cursor)
            guard partition.lastStableOffset > cursor,
                let fetched = try? partition.read(
                    from: max(cursor, partition.startOffset), .readCommitted)
            else { continue }
            watched[index].cursor = fetched.nextOffset
            for (record, transaction) in zip(fetched.records, fetched.transactions) {
                if let violation = see(record, watched[index], transaction) { return violation }
            }
        }
        return nil
    }

    private func see(
        _ record: StoredRecord, _ watched: Watched, _ transaction: Int?
    ) -> Violation? {
        let place = watched.place
        return switch watched.topic {
        case .haircuts: haircuts.see(record, place)
        case .breakers: breakers.see(record, place)
        case .requirements: margin.see(requirement: record, place, transaction: transaction)
        case .alerts: margin.see(alert: record, place, transaction: transaction)
        case .deadLetters: deadLetters.see(record)
        default: nil
        }
    }

    /// Compares with an uninterrupted run over the same inputs, once all is quiet.
    ///
    /// - Parameter wasDisturbed: whether any request or process failed before.
    func final(wasDisturbed: Bool) -> Violation? {
        var refused: Set<DeadLetterCheck.Origin> = []
        for partition in 0..<Int32(plan.partitions) {
            let reference = Reference(
                log, partition: partition, count: plan.partitions, order: order)
            refused.formUnion(reference.refused)
            if let violation = compare(reference, partition) { return violation }
        }
        if let violation = haircuts.compareLast(with: ControlReference(log)) { return violation }
        guard plan.roles.contains(.margin) else {
            return deadLetters.compare(with: refused, in: log)
        }
        for partition in 0..<Int32(plan.partitions) {
            let reference = MarginReference(
                log, partition: partition, count: plan.partitions, tables: haircuts.lastTables)
            refused.formUnion(reference.refused)
            if let violation = margin.compareLast(with: reference) { return violation }
        }
        return margin.final(wasDisturbed: wasDisturbed)
            ?? deadLetters.compare(with: refused, in: log)
    }

    private func compare(_ reference: Reference, _ partition: Int32) -> Violation? {
        let outputs = haircuts.outputs[partition] ?? []
        if plan.isReplayable {
            for (number, expected) in reference.tables.enumerated() {
                guard number < outputs.count else {
                    return Violation(
                        .replay,
                        "partition \(partition): \(outputs.count) tables of "
                            + "\(reference.tables.count); missing \(text(expected))")
                }
                if outputs[number] != expected {
                    return Violation(
                        .replay,
                        "partition \(partition), table \(number):\n"
                            + "    is  \(text(outputs[number]))\n    not \(text(expected))")
                }
            }
            guard outputs.count == reference.tables.count else {
                return Violation(
                    .replay,
                    "partition \(partition): \(outputs.count) tables, not "
                        + "\(reference.tables.count)")
            }
        }
        // Without timers, what the interval holds back at the end depends on when exposures come
        // and on what was lost.
        guard plan.clock == .wall || !plan.roles.contains(.margin) && !plan.isTrimmed else {
            return nil
        }
        return haircuts.compareLast(
            with: reference, hasTimers: plan.clock == .wall,
            hasExposures: plan.roles.contains(.margin),
            isLoose: plan.jump != nil || plan.isTrimmed)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
