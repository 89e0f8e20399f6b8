import CRdKafka

/// Records drained from one partition, in librdkafka's own memory: nothing is copied, and once the
/// batch exists nothing is allocated for a record.
///
/// Made by ``Consumer/makeBatch(capacity:)`` and used again and again. The bytes of its records are
/// valid until the batch is released or drained into again, or its consumer's partitions are
/// unassigned or revoked; in ``PartitionOwner/partitionsRevoked(_:lost:from:)`` they are valid.
public final class RecordBatch {
    private let slots: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private let reports: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private var reportCount = 0
    private let mask: SecretMask
    /// The most records it takes; > 0.
    public let capacity: Int
    /// Records in it, 0…capacity.
    public private(set) var count = 0
    /// Where the records come from; nil before the first drain.
    public private(set) var source: TopicPartition?

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
        guard let message = slots[index] else {
            preconditionFailure("an empty slot is not counted")
        }
        return Record(message: message)
    }

    /// The offset behind the newest record of the partition, when this drain reached it: all there
    /// was has been read, transaction markers and holes included.
    public var endOffset: Int64? {
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
        (0..<reportCount).compactMap { index in
            guard let report = reports[index], let source,
                report.pointee.err != RD_KAFKA_RESP_ERR__PARTITION_EOF
            else { return nil }
            let reason = rd_kafka_message_errstr(report).map { mask.masked(String(cString: $0)) }
            return PartitionFailure(
                topicPartition: source, offset: report.pointee.offset,
                error: KafkaError(
                    code: report.pointee.err.rawValue, operation: "read \(source)", reason: reason))
        }
    }

    /// Gives the records back to librdkafka; the batch is empty then.
    public func release() {
        for index in 0..<count { rd_kafka_message_destroy(slots[index]) }
        for index in 0..<reportCount { rd_kafka_message_destroy(reports[index]) }
        count = 0
        reportCount = 0
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
}

/// A record in a ``RecordBatch``, valid as long as the batch is not released or refilled.
public struct Record {
    let message: UnsafeMutablePointer<rd_kafka_message_t>

    public var partition: Int32 { message.pointee.partition }

    /// >= 0.
    public var offset: Int64 { message.pointee.offset }

    /// Allocates for names of more than 15 bytes; prefer ``RecordBatch/source``.
    public var topic: String { String(cString: rd_kafka_topic_name(message.pointee.rkt)) }

    /// nil where the record has no key.
    public var key: UnsafeRawBufferPointer? {
        message.pointee.key.map {
            UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)
        }
    }

    /// nil is a tombstone, which is not the same as an empty value.
    public var value: UnsafeRawBufferPointer? {
        message.pointee.payload.map {
            UnsafeRawBufferPointer(start: $0, count: message.pointee.len)
        }
    }

    /// Who set a record's time.
    public enum TimestampSource: Sendable {
        case producer, broker
    }

    /// Milliseconds since 1970; nil where the record has none.
    public var timestampMilliseconds: Int64? {
        let value = rd_kafka_message_timestamp(message, nil)
        return value < 0 ? nil : value
    }

    /// nil where the record has no time.
    public var timestampSource: TimestampSource? {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        _ = rd_kafka_message_timestamp(message, &type)
        return switch type {
        case RD_KAFKA_TIMESTAMP_CREATE_TIME: .producer
        case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: .broker
        default: nil
        }
    }

    /// The last header of this name, not copied; nil where there is none or its value is null.
    public func header(named name: String) -> UnsafeRawBufferPointer? {
        var list: OpaquePointer?
        var value: UnsafeRawPointer?
        var size = 0
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR,
            rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR
        else { return nil }
        return value.map { UnsafeRawBufferPointer(start: $0, count: size) }
    }

    /// A copy of all headers, in order.
    public var headers: [Header] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list
        else { return [] }
        return (0..<rd_kafka_header_cnt(list)).compactMap { index in
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            guard
                rd_kafka_header_get_all(list, index, &name, &value, &size)
                    == RD_KAFKA_RESP_ERR_NO_ERROR, let name
            else { return nil }
            return Header(
                String(cString: name),
                value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) })
        }
    }
}

/// A header of a record.
public struct Header: Sendable, Hashable {
    public let name: String
    /// nil is a null value, which is not the same as an empty one.
    public let value: [UInt8]?

    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    public init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
}
