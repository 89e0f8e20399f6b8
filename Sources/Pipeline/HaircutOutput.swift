import Engine
import Haircuts
import Kafka
import Messages
import Quantities

/// Encodes what haircut shards say.
struct HaircutOutput: HaircutSink {
    /// Where it goes.
    var batch: EffectBatch?
    /// Of the shard that speaks; it publishes to the partition of the same number.
    var partition: Int32 = 0
    /// The record being applied, whose trace is passed on; nil for a timer.
    var record: Record?
    private(set) var tables = 0
    private(set) var breakerChanges = 0
    /// What was last said of each asset, to know a change from a refresh.
    private var last: [Identifier: (state: BreakerState, tiers: [HaircutTier])] = [:]

    mutating func publish(_ table: borrowing HaircutTable) {
        guard let batch else { return }
        let table = copy table
        tables += 1
        if let last = last[table.asset], last.state == table.state, last.tiers == table.tiers {
        } else {
            last[table.asset] = (table.state, table.tiers)
            batch.isUrgent = true
        }
        batch.append(to: .haircuts, partition: partition, time: table.time, cause: record) {
            $0.append(table.asset)
        } value: {
            $0.write(table)
        }
    }

    mutating func publish(_ change: BreakerChange) {
        guard let batch else { return }
        breakerChanges += 1
        batch.isUrgent = true
        batch.append(to: .breakers, partition: partition, time: change.time, cause: record) {
            $0.append(change.asset)
        } value: {
            $0.write(change)
        }
    }
}

extension EffectBatch {
    /// Adds a record that was refused, as it came, with why.
    func bury(
        _ record: Record, from source: TopicPartition, stage: DeadLetter.Stage, code: String,
        message: String
    ) {
        append(
            DeadLetter(
                payload: record.value,
                headers: record.headers.map { DeadLetter.Header(name: $0.name, value: $0.value) },
                source: DeadLetter.Source(
                    topic: source.topic, partition: source.partition, offset: record.offset),
                stage: stage, code: code, message: message),
            key: record.key)
    }
}

extension Record {
    /// The value; empty for a tombstone.
    var payload: UnsafeRawBufferPointer {
        value ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// The key; empty where there is none.
    var name: UnsafeRawBufferPointer { key ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    /// nil where it has none.
    var time: Instant? { timestampMilliseconds.flatMap { Instant(milliseconds: $0) } }
}

extension Input {
    /// A record as the cause of what follows from it.
    func cause(_ record: Record) -> Cause {
        .record(topic: source.topic, partition: source.partition, offset: record.offset)
    }

    /// Whether a shard knew the record when its state was stored.
    func isKnown(_ offset: Int64, to slot: Int) -> Bool {
        offset < restoreUntil[self.slot == nil ? slot : 0]
    }

    /// Whether a shard was served before with all that the record says; to give it an older record
    /// again would undo a younger one.
    func isHeld(_ offset: Int64, by slot: Int) -> Bool {
        holders.contains(slot) && isKnown(offset, to: slot)
    }

    /// Whether the record is restoring for some shard; until all is restored nobody publishes.
    func isBeforeServing(_ offset: Int64) -> Bool { offset < firstServed }
}

/// Names that were reported once; bounded, because names come from the bus.
struct ReportedNames {
    private var names: Set<Identifier> = []
    private static let most = 1_000

    mutating func isNew(_ name: Identifier) -> Bool {
        names.count < Self.most && names.insert(name).inserted
    }
}

/// What a worker does when it refuses for good.
let refusedOperation = "serve"

/// An error that waiting does not mend.
func workerRefusal(_ reason: String) -> KafkaError {
    KafkaError(
        code: KafkaError.Code.invalidArgument, operation: refusedOperation, reason: reason,
        isRetriable: false)
}
