import Engine
import Haircuts
import Kafka
import Margin
import Market
import MemoryLog
import Messages
import Quantities

/// What the accounts of one partition come to: a new shard that is given everything at once, the
/// tables as they ended, and then says what should be published.
struct MarginReference {
    private(set) var requirements: [MarginRequirement] = []
    private(set) var refused: Set<DeadLetterCheck.Origin> = []

    init(_ log: MemoryLog, partition: Int32, count: Int, tables: [HaircutTable]) {
        var shard = MarginShard(
            Production.margin, shard: partition, shardCount: count,
            expected: Production.assets.map(\.asset))
        var sink = RequirementSink()
        let cause = Cause.timer(Instant(nanoseconds: 0))
        for table in tables { _ = shard.apply(table, cause: cause, to: &sink) }
        for surface in Self.surfaces(log) {
            _ = try? shard.apply(surface, cause: cause, to: &sink)
        }
        var decoder = PositionsDecoder()
        var snapshot = AccountSnapshot.blank
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        for record in log.partitions(of: TopicName.positions.rawValue)[Int(partition)].records() {
            let key = record.key ?? nothing
            let time = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
            guard let value = record.value else {
                if let account = try? PositionsDecoder.decodeKey(key) {
                    _ = shard.close(account, cause: cause, to: &sink)
                }
                continue
            }
            do {
                try decoder.decode(value, key: key, recordTimestamp: time, into: &snapshot)
                _ = try shard.apply(snapshot, cause: cause, to: &sink)
            } catch {
                refused.insert(
                    DeadLetterCheck.Origin(
                        topic: TopicName.positions.rawValue, partition: "\(partition)",
                        offset: "\(record.offset)"))
            }
        }
        shard.serve(to: &sink)
        requirements = sink.requirements
    }

    private static func surfaces(_ log: MemoryLog) -> [Surface] {
        var decoder = SurfaceDecoder()
        return log.partitions(of: TopicName.surfaces.rawValue).flatMap { partition in
            partition.records().compactMap { record -> Surface? in
                guard let key = record.key, let value = record.value else { return nil }
                let time = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
                var surface = Surface.blank
                do throws(Refusal) {
                    try decoder.decode(value, key: key, recordTimestamp: time, into: &surface)
                } catch {
                    return nil
                }
                return surface
            }
        }
    }
}

/// Keeps the requirements that a shard publishes.
struct RequirementSink: MarginSink {
    var requirements: [MarginRequirement] = []

    mutating func publish(
        _ requirement: borrowing MarginRequirement, alert: LiquidationAlert?
    ) {
        requirements.append(copy requirement)
    }

    mutating func publish(_ exposure: borrowing Exposure) {}
}
