import Foundation
import Kafka
import RealBroker
import Testing

/// Transactions as Apache Kafka has them.
///
/// A broker answers EndTxn before its markers are in the partitions, so whatever a transaction
/// decides is waited for.
@Suite(.serialized, .enabled(if: kafkaBootstrap != nil, "skipped: no KAFKA_BOOTSTRAP"))
final class RealBrokerTests {
    private let address = kafkaBootstrap ?? ""
    private let name = uniqueTopicName()
    /// A broker that is asked for its first transaction or group makes the topics for them.
    private let limit = Duration.seconds(60)

    init() throws {
        let admin = try Admin(ClientConfiguration(bootstrapServers: address))
        defer { admin.close() }
        let failures = try admin.create([NewTopic(name: name, partitions: 1, replication: 1)])
        #expect(failures.isEmpty)
        try admin.awaitLeaders(of: [name])
    }

    deinit { deleteTopics([name], at: address) }

    /// A transactional producer that has fenced those before it.
    private func producer(_ id: String) throws -> Producer {
        let producer = try Producer(
            .producer(bootstrapServers: address, transactionalId: "\(name)-\(id)"))
        try patiently { try producer.initializeTransactions(within: .seconds(10)) }
        return producer
    }

    private func consumer(isolation: String = "read_committed") throws -> Consumer {
        try Consumer(
            .consumer(
                bootstrapServers: address, groupId: name,
                properties: ["isolation.level": isolation]))
    }

    /// A member of the group that has the topic's partition.
    private func member() throws -> Consumer {
        let consumer = try consumer()
        try consumer.subscribe([name])
        try poll(consumer, upTo: limit) { !consumer.queues.isEmpty }
        return consumer
    }

    /// Makes the same request again while it fails only for now, as while a coordinator loads.
    private func patiently<Result>(_ request: () throws -> Result) throws -> Result {
        let end = ContinuousClock.now + limit
        while true {
            do {
                return try request()
            } catch let error as KafkaError where error.isRetriable && !error.isFatal {
                guard ContinuousClock.now < end else { throw error }
                Thread.sleep(forTimeInterval: 0.2)
            }
        }
    }

    /// The values from the topic's beginning on, as this isolation sees them: at least `count`,
    /// if they come in time, and all that come until the end has stayed for two seconds.
    private func values(
        atLeast count: Int, isolation: String = "read_committed"
    ) throws -> [String] {
        let consumer = try consumer(isolation: isolation)
        defer { consumer.close() }
        try consumer.assign([TopicPartitionOffset(TopicPartition(name, 0), .beginning)])
        let batch = consumer.makeBatch(capacity: 100)
        let queue = try #require(consumer.queue(of: TopicPartition(name, 0)))
        var values: [String] = []
        var endSince: ContinuousClock.Instant?
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            consumer.wait(upTo: .milliseconds(100))
            consumer.poll()
            queue.drain(into: batch)
            for index in 0..<batch.count { values.append(text(batch[index].value) ?? "") }
            if !batch.isEmpty { endSince = nil }
            if batch.endOffset != nil { endSince = endSince ?? ContinuousClock.now }
            guard let endSince, values.count >= count else { continue }
            if ContinuousClock.now - endSince > .seconds(2) { return values }
        }
        Issue.record("\(values.count) of \(count) values, the end not reached within \(limit)")
        return values
    }

    /// Waits for the group's offset of the topic's partition to be as said, and for two seconds
    /// more in which it has to stay.
    private func expectCommitted(
        _ expected: CommittedOffset, to consumer: Consumer,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let partition = TopicPartition(name, 0)
        var committed: [CommittedOffset] = []
        var deadline = ContinuousClock.now + limit
        var hasCome = false
        while ContinuousClock.now < deadline {
            committed = try patiently {
                try consumer.committed([partition], within: .seconds(10))
            }
            if committed == [expected], !hasCome {
                hasCome = true
                deadline = ContinuousClock.now + .seconds(2)
            } else if hasCome, committed != [expected] {
                break
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
        #expect(committed == [expected], sourceLocation: sourceLocation)
    }

    @Test func whatAnAbortedTransactionWroteIsInvisible() throws {
        let producer = try producer("a")
        let topic = try producer.topic(name)
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "aborted")
        #expect(try producer.flush(within: limit) == 0)
        try patiently { try producer.abortTransaction(within: .seconds(10)) }
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "committed")
        try patiently { try producer.commitTransaction(within: .seconds(10)) }
        #expect(try values(atLeast: 1) == ["committed"])
        #expect(
            try values(atLeast: 2, isolation: "read_uncommitted") == ["aborted", "committed"])
        #expect(producer.close() == .clean)
    }

    @Test func aSecondProducerOfTheSameIdFencesTheFirstAndEndsItsTransaction() throws {
        let first = try producer("b")
        try first.beginTransaction()
        try first.send(to: first.topic(name), partition: 0, value: "zombie")
        #expect(try first.flush(within: limit) == 0)
        let second = try producer("b")
        let error = #expect(throws: KafkaError.self) {
            try patiently { try first.commitTransaction(within: .seconds(10)) }
        }
        #expect(error?.isOwnershipLost == true, "\(String(describing: error))")
        try second.beginTransaction()
        try second.send(to: second.topic(name), partition: 0, value: "owner")
        try patiently { try second.commitTransaction(within: .seconds(10)) }
        #expect(try values(atLeast: 1) == ["owner"])
        first.close()
        #expect(second.close() == .clean)
    }

    @Test func offsetsOfATransactionAreCommittedWithTheirMarkOrNotAtAll() throws {
        let consumer = try member()
        defer { consumer.close() }
        let producer = try producer("c")
        func transact(_ offset: Int64, _ mark: String) throws {
            try producer.beginTransaction()
            try producer.send(to: producer.topic(name), partition: 0, value: mark)
            try patiently {
                try producer.sendOffsets(
                    [CommittedOffset(TopicPartition(name, 0), offset, metadata: mark)],
                    of: consumer.groupMetadata(), within: .seconds(10))
            }
        }
        let first = CommittedOffset(TopicPartition(name, 0), 3, metadata: "first")
        try transact(3, "first")
        try patiently { try producer.commitTransaction(within: .seconds(10)) }
        try expectCommitted(first, to: consumer)
        try transact(9, "second")
        try patiently { try producer.abortTransaction(within: .seconds(10)) }
        try expectCommitted(first, to: consumer)
        #expect(producer.close() == .clean)
    }

    @Test func offsetsOfAMemberThatLeftAreRefused() throws {
        let gone = try member()
        let membership = try gone.groupMetadata()
        #expect(gone.close() == .clean)
        let producer = try producer("d")
        try producer.beginTransaction()
        try producer.send(to: producer.topic(name), partition: 0, value: "zombie")
        let error = #expect(throws: KafkaError.self) {
            try patiently {
                try producer.sendOffsets(
                    [CommittedOffset(TopicPartition(name, 0), 1)], of: membership,
                    within: .seconds(10))
            }
        }
        #expect(error?.isOwnershipLost == true, "\(String(describing: error))")
        try patiently { try producer.abortTransaction(within: .seconds(10)) }
        #expect(try values(atLeast: 0).isEmpty)
        #expect(producer.close() == .clean)
    }
}
