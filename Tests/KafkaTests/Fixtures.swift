import Kafka
import Testing

/// A broker with one topic, and short ways to feed and read it.
struct Fixture {
    let broker: EmbeddedBroker
    let topic: String

    init(topic: String = "quotes", partitions: Int = 1) throws {
        broker = try EmbeddedBroker()
        self.topic = topic
        try broker.create(topic: topic, partitions: partitions)
    }

    func consumer(
        group: String = "readers", properties: [String: String] = [:]
    ) throws -> Consumer {
        try Consumer(
            .consumer(
                bootstrapServers: broker.bootstrapServers, groupId: group, properties: properties))
    }

    func producer(
        transactionalId: String? = nil, deliveryTags: Int = 1, properties: [String: String] = [:]
    ) throws -> Producer {
        try Producer(
            .producer(
                bootstrapServers: broker.bootstrapServers, transactionalId: transactionalId,
                properties: properties),
            deliveryTags: deliveryTags)
    }

    /// Writes `count` records with the values "0"… to a partition.
    func feed(_ count: Int, to topicName: String? = nil, partition: Int32 = 0) throws {
        let producer = try producer()
        let topic = try producer.topic(topicName ?? topic)
        for index in 0..<count {
            try producer.send(to: topic, partition: partition, value: "\(index)")
        }
        #expect(try producer.flush(within: .seconds(10)) == 0)
        #expect(producer.deliveries().delivered == count)
        producer.close()
    }
}

extension Producer {
    @discardableResult
    func send(
        to topic: Topic, partition: Int32? = nil, key: String? = nil, value: String?,
        timestampMilliseconds: Int64? = nil, headers: [Header] = [], tag: Int = 0
    ) throws -> Admission {
        try withBytes(key) { key in
            try withBytes(value) { value in
                try produce(
                    to: topic, partition: partition, key: key, value: value,
                    timestampMilliseconds: timestampMilliseconds, headers: headers, tag: tag)
            }
        }
    }
}

func withBytes<Result>(
    _ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> Result
) rethrows -> Result {
    guard let text else { return try body(nil) }
    return try Array(text.utf8).withUnsafeBytes { try body($0) }
}

func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
}

/// What was read of a record, copied.
struct Copied: Equatable {
    var partition: TopicPartition
    var offset: Int64
    var key: String?
    var value: String?
}

/// Polls until `isDone`, or fails when the time passes.
func poll(
    _ consumer: Consumer, owner: (any PartitionOwner)? = nil, upTo limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation, until isDone: () throws -> Bool
) throws {
    let start = ContinuousClock.now
    while try !isDone() {
        guard ContinuousClock.now - start < limit else {
            Issue.record("not within \(limit)", sourceLocation: sourceLocation)
            return
        }
        consumer.wait(upTo: .milliseconds(50))
        consumer.poll(owner: owner)
    }
}

/// Drains all queues of the consumer once.
func drain(_ consumer: Consumer, _ batch: RecordBatch, into copies: inout [Copied]) {
    for queue in consumer.queues {
        queue.drain(into: batch)
        for index in 0..<batch.count {
            let record = batch[index]
            copies.append(
                Copied(
                    partition: queue.topicPartition, offset: record.offset, key: text(record.key),
                    value: text(record.value)))
        }
    }
}

/// How long `body` takes.
func elapsed(_ body: () throws -> Void) rethrows -> Duration {
    try ContinuousClock().measure(body)
}
