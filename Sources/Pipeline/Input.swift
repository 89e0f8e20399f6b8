import Kafka

/// What the records of an input are.
enum InputKind {
    case quotes, surfaces, exposures, controls, positions, haircuts
}

/// A partition to read, for one shard or for all of a worker's.
struct InputPlan {
    var kind: InputKind
    var source: TopicPartition
    /// Of the shard that reads it, among the worker's; nil for all.
    var slot: Int?
    /// Where reading begins; nil for the oldest record there is.
    var start: Int64?
    /// By slot: records below it are known to that shard; given again, they change no more than a
    /// table's record that is read again.
    var restoreUntil: [Int64]
    /// Slots of shards that were served before and hold what is below that: it is not given to them
    /// again.
    var holders: Set<Int> = []
    /// Whether all there is belongs to the restoring, to the end as it is found.
    var restoresToEnd = false
}

/// One partition being read, with the records fetched and not yet applied.
final class Input {
    let kind: InputKind
    let source: TopicPartition
    let sourceHash: UInt64
    /// Of the shard it feeds; nil for all.
    let slot: Int?
    let batch: RecordBatch
    /// The record to apply next; nil when none is fetched.
    private(set) var head: Record?
    /// Milliseconds since 1970 of the head; nil where it has none.
    private(set) var headTimestamp: Int64?
    /// Of the record to apply next, as far as it is known; the start before the first.
    private(set) var nextOffset: Int64?
    /// Whether the end was reached once since the assignment. Until then other inputs wait for this
    /// one, so that what was there before is applied in the order of its time.
    private(set) var hasCaughtUp = false
    /// When it was at its end last.
    private(set) var atEndLast: ContinuousClock.Instant?
    /// By slot; see ``InputPlan``.
    let restoreUntil: [Int64]
    private let restoresToEnd: Bool
    let holders: Set<Int>
    private let start: Int64

    private let queue: any LogQueue
    private var index = 0
    /// Records in the batch.
    private var count = 0
    private var endOffset: Int64?
    /// Below it every record is restoring for a new shard, and nothing is published.
    let firstServed: Int64

    init(_ plan: InputPlan, queue: any LogQueue, batch: RecordBatch) {
        kind = plan.kind
        source = plan.source
        sourceHash = plan.source.stableHash
        slot = plan.slot
        nextOffset = plan.start
        restoreUntil = plan.restoreUntil
        restoresToEnd = plan.restoresToEnd
        holders = plan.holders
        start = plan.start ?? 0
        firstServed =
            plan.restoreUntil.enumerated().filter { !plan.holders.contains($0.offset) }
            .map(\.element).max() ?? 0
        self.queue = queue
        self.batch = batch
        batch.release()
    }

    /// Where reading goes on when the partition is assigned anew.
    var position: StartOffset { nextOffset.map { .at($0) } ?? .beginning }

    /// Nothing fetched is left and the end of the partition was seen behind it.
    var isAtEnd: Bool { head == nil && endOffset != nil }

    /// Whether what comes next may still be for restoring alone.
    var isRestoring: Bool {
        if restoresToEnd { return atEndLast == nil }
        guard firstServed > 0 else { return false }
        if let head { return head.offset < firstServed }
        if let nextOffset, nextOffset >= firstServed { return false }
        return !hasCaughtUp
    }

    /// How many records it reads only to restore, and how many of them it has read, by their
    /// offsets.
    ///
    /// - Parameter end: of the partition, as far as it is known.
    func restoring(to end: Int64?) -> (read: Int64, all: Int64) {
        let until = restoresToEnd ? end ?? 0 : restoreUntil.max() ?? 0
        let all = max(0, until - start)
        guard isRestoring else { return (all, all) }
        return (min(all, max(0, (nextOffset ?? start) - start)), all)
    }

    /// Fetches more if all is applied.
    ///
    /// - Returns: errors of the partition, rare; the caller decides about each.
    func refill(at now: ContinuousClock.Instant) -> [PartitionFailure] {
        guard head == nil else { return [] }
        index = 0
        queue.drain(into: batch)
        count = batch.count
        let end = batch.endOffset
        if count == 0 {
            if let end {
                endOffset = end
                nextOffset = max(nextOffset ?? end, end)
            }
        } else {
            let last = batch[count - 1].offset
            endOffset = end.flatMap { $0 > last ? $0 : nil }
            take(0)
        }
        if endOffset != nil { hasCaughtUp = true }
        if isAtEnd { atEndLast = now }
        return batch.hasFailures ? batch.failures : []
    }

    /// Passes over the head, which is applied.
    func advance(at now: ContinuousClock.Instant) {
        guard let head else { return }
        nextOffset = head.offset + 1
        index += 1
        if index < count {
            take(index)
            return
        }
        self.head = nil
        guard let endOffset else { return }
        nextOffset = max(head.offset + 1, endOffset)
        atEndLast = now
    }

    private func take(_ index: Int) {
        let record = batch[index]
        head = record
        headTimestamp = record.timestampMilliseconds
    }

    /// Lets go of what was fetched, which is read again after an assignment.
    func stop() {
        head = nil
        batch.release()
    }
}
