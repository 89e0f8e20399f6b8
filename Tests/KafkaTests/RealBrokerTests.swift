import Foundation
import Kafka
import Testing

/// The address of a real broker, for what the embedded one cannot do; nil without one.
private let bootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]

/// Transactions as Apache Kafka has them.
@Suite(.serialized, .enabled(if: bootstrap != nil, "skipped: no KAFKA_BOOTSTRAP"))
struct RealBrokerTests {
    private let address = bootstrap ?? ""
    private let name = "breakwater-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
    private let limit = Duration.seconds(20)

    init() throws {
        let admin = try Admin(ClientConfiguration(bootstrapServers: address))
        defer { admin.close() }
        let failures = try admin.create([NewTopic(name: name, partitions: 1, replication: 1)])
        #expect(failures.isEmpty)
    }

    private func producer(_ id: String? = nil) throws -> Producer {
        try Producer(
            .producer(bootstrapServers: address, transactionalId: id.map { "\(name)-\($0)" }))
    }

    private func consumer(isolation: String = "read_committed") throws -> Consumer {
        try Consumer(
            .consumer(
                bootstrapServers: address, groupId: name,
                properties: ["isolation.level": isolation]))
    }

    /// All values from the topic's beginning to its end as this isolation sees it.
    private func values(isolation: String = "read_committed") throws -> [String] {
        let consumer = try consumer(isolation: isolation)
        defer { consumer.close() }
        let partition = TopicPartition(name, 0)
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 100)
        let queue = try #require(consumer.queue(of: partition))
        var values: [String] = []
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            consumer.wait(upTo: .milliseconds(100))
            consumer.poll()
            queue.drain(into: batch)
            for index in 0..<batch.count { values.append(text(batch[index].value) ?? "") }
            if batch.endOffset != nil { return values }
        }
        Issue.record("the end was not reached")
        return values
    }

    @Test func whatAnAbortedTransactionWroteIsInvisible() throws {
        let producer = try producer("a")
        try producer.initializeTransactions(within: limit)
        let topic = try producer.topic(name)
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "aborted")
        #expect(try producer.flush(within: limit) == 0)
        try producer.abortTransaction(within: limit)
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "committed")
        try producer.commitTransaction(within: limit)
        #expect(try values() == ["committed"])
        #expect(try values(isolation: "read_uncommitted") == ["aborted", "committed"])
        #expect(producer.close() == .clean)
    }

    @Test func aSecondProducerOfTheSameIdFencesTheFirstAndEndsItsTransaction() throws {
        let first = try producer("b")
        try first.initializeTransactions(within: limit)
        try first.beginTransaction()
        try first.send(to: first.topic(name), partition: 0, value: "zombie")
        #expect(try first.flush(within: limit) == 0)
        let second = try producer("b")
        try second.initializeTransactions(within: limit)
        let error = #expect(throws: KafkaError.self) {
            try first.commitTransaction(within: limit)
        }
        #expect(error?.isOwnershipLost == true)
        try second.beginTransaction()
        try second.send(to: second.topic(name), partition: 0, value: "owner")
        try second.commitTransaction(within: limit)
        #expect(try values() == ["owner"])
        first.close()
        #expect(second.close() == .clean)
    }

    @Test func offsetsOfATransactionAreCommittedWithTheirMarkOrNotAtAll() throws {
        let consumer = try consumer()
        defer { consumer.close() }
        try consumer.subscribe([name])
        let end = ContinuousClock.now + limit
        while consumer.queues.isEmpty, ContinuousClock.now < end {
            consumer.wait(upTo: .milliseconds(100))
            consumer.poll()
        }
        let partition = TopicPartition(name, 0)
        let producer = try producer("c")
        try producer.initializeTransactions(within: limit)
        func transact(_ offset: Int64, _ mark: String) throws {
            try producer.beginTransaction()
            try producer.send(to: producer.topic(name), partition: 0, value: mark)
            try producer.sendOffsets(
                [CommittedOffset(partition, offset, metadata: mark)],
                of: consumer.groupMetadata(), within: limit)
        }
        try transact(3, "first")
        try producer.commitTransaction(within: limit)
        #expect(
            try consumer.committed([partition], within: limit)
                == [CommittedOffset(partition, 3, metadata: "first")])
        try transact(9, "second")
        try producer.abortTransaction(within: limit)
        #expect(
            try consumer.committed([partition], within: limit)
                == [CommittedOffset(partition, 3, metadata: "first")])
        #expect(producer.close() == .clean)
    }

    @Test func offsetsOfAMemberThatLeftAreRefused() throws {
        let gone = try consumer()
        try gone.subscribe([name])
        let end = ContinuousClock.now + limit
        while gone.queues.isEmpty, ContinuousClock.now < end {
            gone.wait(upTo: .milliseconds(100))
            gone.poll()
        }
        let membership = try gone.groupMetadata()
        gone.close()
        let producer = try producer("d")
        try producer.initializeTransactions(within: limit)
        try producer.beginTransaction()
        try producer.send(to: producer.topic(name), partition: 0, value: "zombie")
        let error = #expect(throws: KafkaError.self) {
            try producer.sendOffsets(
                [CommittedOffset(TopicPartition(name, 0), 1)], of: membership, within: limit)
        }
        #expect(error?.isOwnershipLost == true)
        try producer.abortTransaction(within: limit)
        #expect(try values().isEmpty)
        #expect(producer.close() == .clean)
    }
}
