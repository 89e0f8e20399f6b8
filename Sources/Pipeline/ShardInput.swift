import Kafka

/// One partition a shard reads, with the records fetched and not yet applied.
final class ShardInput {
    enum Kind {
        case quotes, surfaces
    }

    let kind: Kind
    let source: TopicPartition
    let batch: RecordBatch
    /// Of the record to apply next; nil before the first.
    private(set) var nextOffset: Int64?
    /// Whether the end was reached once since the assignment. Until then a shard waits for this
    /// input, so that what was there before is applied in the order of its time.
    private(set) var hasCaughtUp = false

    private let queue: any LogQueue
    private let start: StartOffset
    private var index = 0
    private var endOffset: Int64?

    init(_ kind: Kind, queue: any LogQueue, from start: StartOffset, batch: RecordBatch) {
        self.kind = kind
        self.start = start
        self.queue = queue
        self.batch = batch
        source = queue.topicPartition
        batch.release()
    }

    /// Where reading goes on when the partition is assigned anew.
    var position: StartOffset { nextOffset.map { .at($0) } ?? start }

    /// The record to apply next; nil when none is fetched.
    var head: Record? { index < batch.count ? batch[index] : nil }

    /// Nothing fetched is left and the end of the partition was seen behind it.
    var isAtEnd: Bool { head == nil && endOffset != nil }

    /// Fetches more if all is applied.
    ///
    /// - Returns: errors of the partition, rare; the caller decides about each.
    func refill() -> [PartitionFailure] {
        guard head == nil else { return [] }
        index = 0
        queue.drain(into: batch)
        if let last = head.map({ _ in batch[batch.count - 1].offset }) {
            endOffset = batch.endOffset.flatMap { $0 > last ? $0 : nil }
        } else if let end = batch.endOffset {
            endOffset = end
        }
        if endOffset != nil { hasCaughtUp = true }
        return batch.hasFailures ? batch.failures : []
    }

    /// Passes over the head, which is applied.
    func advance() {
        if let head { nextOffset = head.offset + 1 }
        index += 1
    }
}
