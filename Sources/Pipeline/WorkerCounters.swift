import Messages

/// What a worker has done since it started, those whose place it took included.
///
/// Of the records taken, each is applied, a duplicate, unlisted or refused.
public struct WorkerCounters: Hashable, Sendable {
    public var quotes = 0
    public var surfaces = 0
    /// Messages that changed a shard, sequence resets included.
    public var applied = 0
    public var duplicates = 0
    public var sequenceResets = 0
    /// Messages of assets that the configuration does not list.
    public var unlisted = 0
    /// Records sent to the dead letters, by the code of their refusal.
    public var refusals: [String: Int] = [:]
    public var published = 0
    public var timers = 0
    /// Commits of input offsets that were asked for.
    public var commits = 0
    /// Times a position was lost and reading began again at the oldest record.
    public var offsetResets = 0
    /// Quotes partitions held now.
    public var partitions: [Int32] = []
    /// Of those, the ones that have read all their inputs.
    public var caughtUp = 0

    public init() {}

    public var refused: Int { refusals.values.reduce(0, +) }

    /// Records taken from input topics.
    public var records: Int { quotes + surfaces }

    /// The sum over workers.
    public static func + (left: WorkerCounters, right: WorkerCounters) -> WorkerCounters {
        var sum = left
        sum.quotes += right.quotes
        sum.surfaces += right.surfaces
        sum.applied += right.applied
        sum.duplicates += right.duplicates
        sum.sequenceResets += right.sequenceResets
        sum.unlisted += right.unlisted
        sum.refusals.merge(right.refusals, uniquingKeysWith: +)
        sum.published += right.published
        sum.timers += right.timers
        sum.commits += right.commits
        sum.offsetResets += right.offsetResets
        sum.partitions = (left.partitions + right.partitions).sorted()
        sum.caughtUp += right.caughtUp
        return sum
    }
}
