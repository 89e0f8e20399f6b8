import CRdKafka

/// The records of one assigned partition, kept apart from the consumer's other events until the
/// owner drains them: not draining is the backpressure, within `queued.max.messages.kbytes`.
///
/// Belongs to its consumer's thread. Once the partition is revoked it stays empty.
public final class PartitionQueue: LogQueue {
    public let topicPartition: TopicPartition
    private var queue: OpaquePointer?
    private let waker: Waker

    /// Detaches the partition's queue from the consumer's. Must precede the assignment.
    init(
        _ topicPartition: TopicPartition, client: OpaquePointer, waker: Waker
    ) throws(KafkaError) {
        self.waker = waker
        self.topicPartition = topicPartition
        let found = rd_kafka_queue_get_partition(
            client, topicPartition.topic, topicPartition.partition)
        guard let found else {
            throw KafkaError(
                code: KafkaError.Code.unknownPartition, operation: "assign \(topicPartition)")
        }
        rd_kafka_queue_forward(found, nil)
        crdkafka_wakeup_attach(found, waker.descriptor)
        queue = found
    }

    deinit { discard() }

    /// Records waiting, ends and errors included; a guide, for it changes as it is read.
    public var waiting: Int { queue.map { rd_kafka_queue_length($0) } ?? 0 }

    /// Releases `batch` and fills it with what is waiting.
    ///
    /// - Parameter wait: for a first record if none is there; then takes what is there at once.
    /// - Returns: the records in the batch. 0 says nothing of ends and errors: ask the batch.
    @discardableResult
    public func drain(into batch: RecordBatch, wait: Duration) -> Int {
        guard let queue else {
            batch.release()
            return 0
        }
        let isFull = batch.fill(from: queue, source: topicPartition, wait: wait)
        // The queue signals only when it was empty before.
        if isFull { waker.wake() }
        return batch.count
    }

    /// Throws away what is waiting and lets go of the queue. Must precede the client's end.
    func discard() {
        guard let queue else { return }
        self.queue = nil
        crdkafka_wakeup_detach(queue)
        withUnsafeTemporaryAllocation(
            of: UnsafeMutablePointer<rd_kafka_message_t>?.self, capacity: 256
        ) { messages in
            messages.initialize(repeating: nil)
            while true {
                let count = rd_kafka_consume_batch_queue(queue, 0, messages.baseAddress, 256)
                guard count > 0 else { break }
                for index in 0..<count { rd_kafka_message_destroy(messages[index]) }
            }
        }
        rd_kafka_queue_destroy(queue)
    }
}
