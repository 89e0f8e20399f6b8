import Messages
import Quantities

/// What a worker has done since it started, those whose place it took included.
///
/// Of the records taken, each is applied, a duplicate, unlisted or refused.
public struct WorkerCounters: Hashable, Sendable {
    public var quotes = 0
    public var surfaces = 0
    public var exposures = 0
    public var controls = 0
    public var positions = 0
    /// Haircut tables, read by the margin stage.
    public var haircuts = 0
    /// Messages that changed a shard, sequence resets included.
    public var applied = 0
    public var duplicates = 0
    public var sequenceResets = 0
    /// Messages of assets that the configuration does not list.
    public var unlisted = 0
    /// Records of other stages that cannot be read, and are not buried here.
    public var unreadable = 0
    /// Assets without a haircut table that accounts hold.
    public var unknownAssets = 0
    /// Value, in the valuation currency, that published steps forced beyond what the governor
    /// charged for them, because ladders lagged; by asset of which exposures came.
    public var governorOvershoot: [Identifier: Double] = [:]
    /// Records sent to the dead letters, by the code of their refusal.
    public var refusals: [String: Int] = [:]
    /// Haircut tables.
    public var published = 0
    public var breakerChanges = 0
    public var requirements = 0
    public var alerts = 0
    /// Ladders, published by the margin stage.
    public var ladders = 0
    public var timers = 0
    /// Batches delivered, with their positions.
    public var commits = 0
    /// Transactions aborted, whose effects were sent again.
    public var aborts = 0
    /// Producers replaced after an error.
    public var replacements = 0
    /// Restores of shards after an assignment.
    public var restores = 0
    /// Times a position was lost and reading began again at the oldest record.
    public var offsetResets = 0
    /// Whether the group has given the worker a share, be it an empty one.
    public var isAssigned = false
    /// Partitions of the lead topic (quotes, positions) held now.
    public var partitions: [Int32] = []
    /// Of those, the ones that are restored and publish, or would if they had an account.
    public var serving: [Int32] = []
    /// Of those, the ones that have read all their inputs.
    public var caughtUp = 0
    /// Assets for whose first haircut tables it waits before it serves, by name.
    public var awaited: [String] = []
    /// While partitions are restored: records read back so far and in all, by their offsets. Both
    /// 0 when there is nothing to restore.
    public var restoredRecords: Int64 = 0
    public var recordsToRestore: Int64 = 0
    /// Records of the lead topic that were not applied yet, by partition, ≥ 0; those whose end is
    /// not known yet are left out.
    public var lags: [Int32: Int64] = [:]

    public init() {}

    /// Forgets what is held, and keeps what was done.
    mutating func release() {
        isAssigned = false
        partitions = []
        serving = []
        caughtUp = 0
        awaited = []
        restoredRecords = 0
        recordsToRestore = 0
        lags = [:]
    }

    public var refused: Int { refusals.values.reduce(0, +) }

    /// Records taken from input topics.
    public var records: Int {
        quotes + surfaces + exposures + controls + positions + haircuts
    }

    /// The sum over workers.
    public static func + (left: WorkerCounters, right: WorkerCounters) -> WorkerCounters {
        var sum = left
        sum.quotes += right.quotes
        sum.surfaces += right.surfaces
        sum.exposures += right.exposures
        sum.controls += right.controls
        sum.positions += right.positions
        sum.haircuts += right.haircuts
        sum.breakerChanges += right.breakerChanges
        sum.requirements += right.requirements
        sum.alerts += right.alerts
        sum.ladders += right.ladders
        sum.aborts += right.aborts
        sum.replacements += right.replacements
        sum.restores += right.restores
        sum.unreadable += right.unreadable
        sum.unknownAssets += right.unknownAssets
        sum.governorOvershoot.merge(right.governorOvershoot, uniquingKeysWith: +)
        sum.applied += right.applied
        sum.duplicates += right.duplicates
        sum.sequenceResets += right.sequenceResets
        sum.unlisted += right.unlisted
        sum.refusals.merge(right.refusals, uniquingKeysWith: +)
        sum.published += right.published
        sum.timers += right.timers
        sum.commits += right.commits
        sum.offsetResets += right.offsetResets
        sum.isAssigned = left.isAssigned || right.isAssigned
        sum.partitions = (left.partitions + right.partitions).sorted()
        sum.serving = (left.serving + right.serving).sorted()
        sum.caughtUp += right.caughtUp
        sum.awaited = Set(left.awaited + right.awaited).sorted()
        sum.restoredRecords += right.restoredRecords
        sum.recordsToRestore += right.recordsToRestore
        sum.lags.merge(right.lags) { $1 }
        return sum
    }
}
