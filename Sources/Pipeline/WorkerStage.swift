import Kafka
import Quantities

/// The part of a worker that differs between the roles: what its shards are, what they read, how
/// they are restored.
///
/// A stage's shards are numbered by slot, in the order of their partitions. It reads no clock and
/// speaks to no broker: records come in, effects go into the batch it was made with.
protocol WorkerStage: AnyObject {
    associatedtype Shard: ShardState

    /// Appended to the group id.
    static var role: String { get }
    /// Whose partitions the group shares out.
    var leadTopic: String { get }
    /// Topics with as many partitions as the lead topic.
    var copartitioned: [String] { get }
    /// Others that it has to know the partition counts of.
    var others: [String] { get }

    var shards: [Shard] { get set }
    var counters: WorkerCounters { get set }

    func makeShard(_ partition: Int32, _ counts: PartitionCounts) -> Shard

    /// What a new shard reads to the end before anything else: what it said itself.
    func ownOutputs(of partition: Int32, _ counts: PartitionCounts) -> [TopicPartition]

    /// Takes a record of own outputs, for the shards that are new.
    func restore(_ record: Record, from source: TopicPartition)

    /// Makes a new shard's state of its own outputs.
    ///
    /// - Throws: when they do not fit the topics as they are.
    func conclude(_ shard: Shard, _ counts: PartitionCounts) throws(KafkaError)

    /// What all shards read, each from its positions. Of two records of one time, that of the input
    /// named first is applied first.
    func inputs(_ counts: PartitionCounts) -> [InputPlan]

    /// Applies a record of an input to the shard or shards it is for.
    func apply(_ record: Record, from input: Input, into effects: EffectBatch)

    /// Refuses a record without looking at it; as with any refusal, one worker buries it.
    func refuse(
        _ record: Record, from input: Input, code: String, message: String,
        into effects: EffectBatch)

    /// What new shards, all of whose inputs are restored, wait for before they serve; nil: nothing.
    var servingWait: ServingWait? { get }

    /// Begins to publish for a new shard, all of whose inputs are restored.
    func serve(_ slot: Int, into effects: EffectBatch)

    /// Takes the way to deliver in the middle of what one record causes.
    func spill(by deliver: @escaping () -> Bool)

    func time(of slot: Int) -> Instant?
    func apply(timer: Instant, to slot: Int, into effects: EffectBatch)

    /// How many outputs that may wait a worker publishes at most.
    var refreshesPerSecond: Double { get }

    /// Publishes what may wait, at most a number of outputs.
    ///
    /// - Returns: how many.
    func refresh(_ slot: Int, atMost count: Int, into effects: EffectBatch) -> Int

    /// Writes what shards have to be restored from.
    func writeCheckpoints(_ counts: PartitionCounts, into batch: EffectBatch)
}

/// Why new shards do not serve yet: at a cold start both stages begin at once.
struct ServingWait {
    /// Assets that accounts hold and that have no haircut table yet; empty where no account is kept
    /// waiting.
    var tables: [Identifier]
    /// Whether it ends after ``WorkerLimits/firstTables``.
    var isBounded: Bool
}

/// Partitions of each topic, by its name.
struct PartitionCounts: Hashable {
    var byTopic: [String: Int] = [:]

    /// 0 for a topic that is not known.
    subscript(topic: String) -> Int { byTopic[topic] ?? 0 }

    /// All partitions of a topic.
    func partitions(of topic: String) -> [TopicPartition] {
        (0..<Int32(clamping: self[topic])).map { TopicPartition(topic, $0) }
    }
}

/// What a worker knows of a shard of either role.
class ShardState {
    /// Of the lead topic.
    let partition: Int32
    /// Of each input, the record to apply next. While it is served its inputs know better.
    var positions: [TopicPartition: Int64] = [:]
    /// Of the lead topic, as the group has it; nil where nothing was committed.
    var committed: Int64?
    /// Whether it is restored and publishes.
    final var isServing = false
    /// Whether it applied something since its checkpoint was last written.
    final var hasProgress = false
    /// When a record or timer was last applied, by the monotonic clock.
    final var appliedAt: ContinuousClock.Instant?

    init(partition: Int32) {
        self.partition = partition
    }

    final func noteApplied(at moment: ContinuousClock.Instant) {
        appliedAt = moment
        hasProgress = true
    }
}
