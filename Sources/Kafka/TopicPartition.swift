import CRdKafka
import Glibc

/// One partition of a topic.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let topic: String
    /// >= 0.
    public let partition: Int32

    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    public var description: String { "\(topic) [\(partition)]" }
}

/// Where reading of a partition starts.
public enum StartOffset: Hashable, Sendable {
    /// At the oldest record there is.
    case beginning
    /// Behind the newest record there is.
    case end
    /// At the group's committed offset; without one, `auto.offset.reset` decides.
    case stored
    /// At this offset; >= 0.
    case at(Int64)

    var librdkafkaValue: Int64 {
        switch self {
        case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .end: Int64(RD_KAFKA_OFFSET_END)
        case .stored: Int64(RD_KAFKA_OFFSET_STORED)
        case .at(let offset): offset
        }
    }
}

/// A partition to read and where to start.
public struct TopicPartitionOffset: Hashable, Sendable {
    public let topicPartition: TopicPartition
    public let start: StartOffset

    public init(_ topicPartition: TopicPartition, _ start: StartOffset) {
        self.topicPartition = topicPartition
        self.start = start
    }
}

/// Where a partition begins and ends.
public struct Watermarks: Hashable, Sendable {
    /// The oldest offset there is.
    public let low: Int64
    /// Behind the newest record, as the asker's isolation sees it.
    public let high: Int64

    public init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

/// An offset to commit, or one that was committed.
public struct CommittedOffset: Hashable, Sendable {
    public let topicPartition: TopicPartition
    /// The next record to read: the last one applied, and one; >= 0.
    public let offset: Int64
    /// Kept by the broker with the offset; UTF-8, a few hundred bytes at most.
    public let metadata: String

    public init(_ topicPartition: TopicPartition, _ offset: Int64, metadata: String = "") {
        self.topicPartition = topicPartition
        self.offset = offset
        self.metadata = metadata
    }
}

/// A list of librdkafka's that frees itself.
final class PartitionList {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// Takes over `pointer`.
    init(consuming pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        self.pointer = pointer
    }

    convenience init(capacity: Int) throws(KafkaError) {
        guard let pointer = rd_kafka_topic_partition_list_new(Int32(capacity)) else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: "list partitions")
        }
        self.init(consuming: pointer)
    }

    convenience init(_ partitions: [TopicPartition]) throws(KafkaError) {
        try self.init(capacity: partitions.count)
        for each in partitions { add(each, offset: Int64(RD_KAFKA_OFFSET_INVALID)) }
    }

    convenience init(_ offsets: [TopicPartitionOffset]) throws(KafkaError) {
        try self.init(capacity: offsets.count)
        for each in offsets { add(each.topicPartition, offset: each.start.librdkafkaValue) }
    }

    convenience init(_ offsets: [CommittedOffset]) throws(KafkaError) {
        try self.init(capacity: offsets.count)
        for each in offsets {
            add(each.topicPartition, offset: each.offset, metadata: each.metadata)
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    private func add(_ partition: TopicPartition, offset: Int64, metadata: String = "") {
        let added = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        guard let added else { return }
        added.pointee.offset = offset
        guard !metadata.isEmpty else { return }
        let bytes = Array(metadata.utf8)
        // librdkafka frees the metadata with free(3) when the list is destroyed.
        guard let copy = malloc(bytes.count) else { return }
        UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyBytes(from: bytes)
        added.pointee.metadata = copy
        added.pointee.metadata_size = bytes.count
    }

    static func partitions(
        of list: UnsafePointer<rd_kafka_topic_partition_list_t>
    ) -> [TopicPartition] {
        (0..<Int(list.pointee.cnt)).map { index in
            let element = list.pointee.elems[index]
            return TopicPartition(String(cString: element.topic), element.partition)
        }
    }

    /// The elements that have an offset, >= 0.
    static func offsets(
        of list: UnsafePointer<rd_kafka_topic_partition_list_t>
    ) -> [CommittedOffset] {
        (0..<Int(list.pointee.cnt)).compactMap { index in
            let element = list.pointee.elems[index]
            guard element.offset >= 0 else { return nil }
            let metadata = element.metadata.map {
                String(
                    decoding: UnsafeRawBufferPointer(start: $0, count: element.metadata_size),
                    as: UTF8.self)
            }
            return CommittedOffset(
                TopicPartition(String(cString: element.topic), element.partition), element.offset,
                metadata: metadata ?? "")
        }
    }

    /// The first error of an element, named with its partition.
    func checkElements(_ operation: String) throws(KafkaError) {
        for index in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[index]
            try KafkaError.check(
                element.err,
                "\(operation) of \(String(cString: element.topic)) [\(element.partition)]")
        }
    }
}
