import Kafka
import Testing

/// The mock has no isolation and no fencing of its own: what is tested is the client's side, with
/// the broker's refusals injected.
@Suite(.serialized) struct TransactionTests {
    let limit = Duration.seconds(10)

    private func transactional(_ fixture: Fixture) throws -> Producer {
        let producer = try fixture.producer(transactionalId: "worker-1")
        try producer.initializeTransactions(within: limit)
        return producer
    }

    @Test func aTransactionCommitsItsRecordsAndOffsets() throws {
        let fixture = try Fixture()
        let producer = try transactional(fixture)
        let consumer = try fixture.consumer()
        let topic = try producer.topic("quotes")
        for round in 0..<3 {
            try producer.beginTransaction()
            #expect(producer.isInTransaction)
            try producer.send(to: topic, partition: 0, value: "\(round)")
            let offset = CommittedOffset(TopicPartition("input", 3), Int64(round))
            try producer.sendOffsets([offset], of: try consumer.groupMetadata(), within: limit)
            try producer.commitTransaction(within: limit)
            #expect(!producer.isInTransaction)
        }
        #expect(producer.deliveries().delivered == 3)
        let quotes = TopicPartition("quotes", 0)
        #expect(try consumer.watermarks(of: [quotes])[quotes].map { $0.high >= 3 } == true)
        #expect(consumer.close() == .clean)
        #expect(producer.close() == .clean)
    }

    @Test func anAbortPurgesWhatWasNotSent() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(
            transactionalId: "worker-1", properties: ["linger.ms": "5000"])
        try producer.initializeTransactions(within: limit)
        let topic = try producer.topic("quotes")
        try producer.beginTransaction()
        for _ in 0..<4 { try producer.send(to: topic, partition: 0, value: "x") }
        try producer.abortTransaction(within: limit)
        #expect(producer.deliveries().purged == 4)
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "again")
        try producer.commitTransaction(within: limit)
        #expect(producer.deliveries().delivered == 1)
        #expect(producer.close() == .clean)
    }

    @Test func producingOutsideOfATransactionIsRefused() throws {
        let fixture = try Fixture()
        let producer = try transactional(fixture)
        let topic = try producer.topic("quotes")
        let error = #expect(throws: KafkaError.self) {
            try producer.send(to: topic, partition: 0, value: "x")
        }
        #expect(error?.code == KafkaError.Code.wrongState)
        #expect(producer.close() == .clean)
    }

    @Test func aRefusedPartitionAsksForAnAbort() throws {
        let fixture = try Fixture()
        let producer = try transactional(fixture)
        let topic = try producer.topic("quotes")
        try producer.beginTransaction()
        try fixture.broker.inject(
            [KafkaError.Code.topicAuthorizationFailed], into: .addPartitionsToTransaction)
        try producer.send(to: topic, partition: 0, value: "x")
        let error = #expect(throws: KafkaError.self) {
            try producer.commitTransaction(within: limit)
        }
        #expect(error?.requiresAbort == true)
        #expect(error?.remedy == .abortTransaction)
        #expect(producer.isInTransaction)
        try producer.abortTransaction(within: limit)
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "x")
        try producer.commitTransaction(within: limit)
        #expect(producer.close() == .clean)
    }

    @Test func aFencedProducerIsFatalAndMustBeReplaced() throws {
        let fixture = try Fixture()
        let producer = try transactional(fixture)
        let topic = try producer.topic("quotes")
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "x")
        #expect(try producer.flush(within: limit) == 0)
        try fixture.broker.inject([KafkaError.Code.producerFenced], into: .endTransaction)
        let error = #expect(throws: KafkaError.self) {
            try producer.commitTransaction(within: limit)
        }
        #expect(error?.isFatal == true)
        #expect(error?.remedy == .replaceClient)
        #expect(error?.isOwnershipLost == true)
        #expect(producer.fatalError != nil)
        let duration = elapsed { producer.close() }
        #expect(duration < .seconds(8))

        let successor = try transactional(fixture)
        try successor.beginTransaction()
        try successor.commitTransaction(within: limit)
        #expect(successor.close() == .clean)
    }

    @Test func aCommitWithoutABrokerIsRetriableAndSucceedsOnceItIsBack() throws {
        let fixture = try Fixture()
        let producer = try transactional(fixture)
        let topic = try producer.topic("quotes")
        try producer.beginTransaction()
        try producer.send(to: topic, partition: 0, value: "x")
        #expect(try producer.flush(within: limit) == 0)
        try fixture.broker.setDown()
        let error = #expect(throws: KafkaError.self) {
            try producer.commitTransaction(within: .milliseconds(500))
        }
        #expect(error?.remedy == .retry)
        #expect(producer.isInTransaction)
        try fixture.broker.setUp()
        try producer.commitTransaction(within: limit)
        #expect(producer.close() == .clean)
    }
}
