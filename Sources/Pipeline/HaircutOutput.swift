import Engine
import Haircuts
import Kafka
import Messages
import Quantities

/// What a haircut stage touches for every record, in one value: a class's properties are checked
/// for overlapping access each time they are touched, which a dozen times a quote would show.
struct HaircutWork {
    var decoders = Decoders()
    var counters = WorkerCounters()
    private var output = HaircutOutput()

    /// Decodes a quote and gives it to its shard.
    ///
    /// - Parameter record: the head of the input.
    /// - Throws: the decoder's refusal; the shard is as it was.
    mutating func applyQuote(
        _ record: Record, from input: Input, to shard: HaircutShardState, in batch: EffectBatch
    ) throws(Refusal) -> Disposition {
        counters.quotes += 1
        output.begin(record, partition: shard.partition, in: batch)
        let time = input.headTimestamp.flatMap { Instant(milliseconds: $0) }
        try decoders.decodeQuote(record.payload, record.name, time)
        let disposition = shard.engine.apply(
            decoders.quote, cause: input.cause(record), to: &output)
        if disposition == .applied { counters.applied += 1 }
        noteOutput()
        return disposition
    }

    /// Gives a shard what was decoded last, or a timer, and takes what it says.
    ///
    /// - Parameter record: what was decoded; nil for a timer.
    mutating func give<Result, Failure: Error>(
        _ record: Record?, to shard: HaircutShardState, in batch: EffectBatch,
        _ body: (Decoders, inout HaircutShard, inout HaircutOutput) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        output.begin(record, partition: shard.partition, in: batch)
        defer { noteOutput() }
        return try body(decoders, &shard.engine, &output)
    }

    private mutating func noteOutput() {
        counters.published = output.tables
        counters.breakerChanges = output.breakerChanges
    }
}

/// Encodes what haircut shards say.
struct HaircutOutput: HaircutSink {
    /// Where it goes.
    private var batch: EffectBatch?
    /// Of the shard that speaks; it publishes to the partition of the same number.
    private var partition: Int32 = 0
    /// The record being applied, whose trace is passed on; nil for a timer.
    private var record: Record?
    private(set) var tables = 0
    private(set) var breakerChanges = 0
    /// What was last said of each asset, to know a change from a refresh.
    private var last: [Identifier: (state: BreakerState, tiers: [HaircutTier])] = [:]

    /// What is said from now on comes from the shard of a partition, is caused by a record, or by
    /// a timer, and goes to a batch.
    mutating func begin(_ record: Record?, partition: Int32, in batch: EffectBatch) {
        if self.batch !== batch { self.batch = batch }
        self.partition = partition
        self.record = record
    }

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
