import CRdKafka

/// Records drained from one partition, in librdkafka's own memory: nothing is copied, and once the
/// batch exists nothing is allocated for a record. A log in memory lends its own records instead.
///
/// Made by ``Consumer/makeBatch(capacity:)`` and used again and again. The bytes of its records are
/// valid until the batch is released or drained into again, or its consumer's partitions are
/// unassigned or revoked; in ``PartitionOwner/partitionsRevoked(_:lost:from:)`` they are valid.
public final class RecordBatch {
    private let slots: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private let reports: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private var reportCount = 0
    /// Of a log in memory; empty when the records are librdkafka's.
    private var stored: [StoredRecord] = []
    private var storedEnd: Int64?
    private var storedFailures: [PartitionFailure] = []
    private let mask: SecretMask
    /// The most records it takes; > 0.
    public let capacity: Int
    /// Records in it, 0…capacity.
    public private(set) var count = 0
    /// Where the records come from; nil before the first drain.
    public private(set) var source: TopicPartition?

    /// For a log in memory, which fills it by ``fill(with:source:endOffset:failures:)``.
    public convenience init(capacity: Int) {
        self.init(
            capacity: capacity, mask: SecretMask(ClientConfiguration(bootstrapServers: "")))
    }

    init(capacity: Int, mask: SecretMask) {
        precondition(capacity > 0, "a batch holds at least one record")
        self.capacity = capacity
        self.mask = mask
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: nil, count: capacity)
        reports = .allocate(capacity: capacity)
        reports.initialize(repeating: nil, count: capacity)
    }

    deinit {
        release()
        slots.deallocate()
        reports.deallocate()
    }

    public var isEmpty: Bool { count == 0 }

    /// - Parameter index: 0..<count.
    public subscript(index: Int) -> Record {
        precondition(index >= 0 && index < count, "no such record in the batch")
        guard let message = slots[index] else { return Record(stored[index]) }
        return Record(message)
    }

    /// The offset behind the newest record of the partition, when this drain reached it: all there
    /// was has been read, transaction markers and holes included.
    public var endOffset: Int64? {
        if let storedEnd { return storedEnd }
        for index in stride(from: reportCount - 1, through: 0, by: -1) {
            guard let report = reports[index] else { continue }
            if report.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
                return report.pointee.offset
            }
        }
        return nil
    }

    /// Whether the partition reported errors; see ``failures``.
    public var hasFailures: Bool {
        if !storedFailures.isEmpty { return true }
        for index in 0..<reportCount {
            guard let report = reports[index] else { continue }
            if report.pointee.err != RD_KAFKA_RESP_ERR__PARTITION_EOF { return true }
        }
        return false
    }

    /// The partition's errors. With `auto.offset.reset=error`, an offset that is out of range is
    /// ``KafkaError/Code/offsetReset``: the partition stands still until it is assigned or sought
    /// anew.
    public var failures: [PartitionFailure] {
        storedFailures
            + (0..<reportCount).compactMap { index in
                guard let report = reports[index], let source,
                    report.pointee.err != RD_KAFKA_RESP_ERR__PARTITION_EOF
                else { return nil }
                let reason = rd_kafka_message_errstr(report).map {
                    mask.masked(String(cString: $0))
                }
                return PartitionFailure(
                    topicPartition: source, offset: report.pointee.offset,
                    error: KafkaError(
                        code: report.pointee.err.rawValue, operation: "read \(source)",
                        reason: reason))
            }
    }

    /// Gives the records back to librdkafka; the batch is empty then.
    public func release() {
        for index in 0..<reportCount { rd_kafka_message_destroy(reports[index]) }
        reportCount = 0
        guard stored.isEmpty else {
            stored = []
            count = 0
            return releaseReports()
        }
        for index in 0..<count { rd_kafka_message_destroy(slots[index]) }
        count = 0
        if storedEnd != nil || !storedFailures.isEmpty { releaseReports() }
    }

    private func releaseReports() {
        storedEnd = nil
        storedFailures = []
    }

    /// Releases it and takes records of a log in memory, which it keeps alive until released.
    ///
    /// - Parameters:
    ///   - records: of one partition, in order of their offsets; at most `capacity`.
    ///   - endOffset: see ``endOffset``.
    public func fill(
        with records: [StoredRecord], source: TopicPartition, endOffset: Int64?,
        failures: [PartitionFailure] = []
    ) {
        precondition(records.count <= capacity, "more records than the batch holds")
        release()
        self.source = source
        for index in records.indices { slots[index] = nil }
        stored = records
        count = records.count
        storedEnd = endOffset
        storedFailures = failures
    }

    /// Takes what is in the queue, up to its capacity.
    ///
    /// librdkafka waits to fill a batch, so the wait is for the first record alone.
    /// - Returns: whether it took all it can, so that more may be waiting.
    func fill(from queue: OpaquePointer, source: TopicPartition, wait: Duration) -> Bool {
        release()
        self.source = source
        var filled = 0
        if wait > .zero {
            filled = rd_kafka_consume_batch_queue(queue, wait.milliseconds, slots, 1)
            guard filled > 0 else { return false }
        }
        if filled < capacity {
            let more = rd_kafka_consume_batch_queue(queue, 0, slots + filled, capacity - filled)
            filled += max(0, more)
        }
        for index in 0..<filled {
            guard let message = slots[index] else { continue }
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                slots[count] = message
                count += 1
            } else {
                reports[reportCount] = message
                reportCount += 1
            }
        }
        return filled == capacity
    }
}

/// An error of a partition that was being read.
public struct PartitionFailure: Error, Sendable {
    public let topicPartition: TopicPartition
    /// Where it happened, if librdkafka says; otherwise negative.
    public let offset: Int64
    public let error: KafkaError

    public init(topicPartition: TopicPartition, offset: Int64, error: KafkaError) {
        self.topicPartition = topicPartition
        self.offset = offset
        self.error = error
    }
}
