import Kafka
import Testing

/// librdkafka 2.0.2 can hang when it is closed: each state must end in bounded time.
@Suite(.serialized) struct ShutdownTests {
    let limit = Duration.seconds(10)

    private func closes(
        _ expected: Shutdown? = .clean, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () -> Shutdown
    ) {
        var outcome = Shutdown.clean
        let duration = elapsed { outcome = body() }
        #expect(duration < limit, sourceLocation: sourceLocation)
        if let expected { #expect(outcome == expected, sourceLocation: sourceLocation) }
    }

    private let nowhere = "127.0.0.1:1"

    @Test func neverUsed() throws {
        let consumer = try Consumer(.consumer(bootstrapServers: nowhere, groupId: "g"))
        closes { consumer.close() }
        let producer = try Producer(.producer(bootstrapServers: nowhere))
        closes { producer.close() }
        let transactional = try Producer(.producer(bootstrapServers: nowhere, transactionalId: "t"))
        closes { transactional.close() }
        let admin = try Admin(ClientConfiguration(bootstrapServers: nowhere))
        closes { admin.close() }
        let broker = try EmbeddedBroker()
        closes { broker.close() }
    }

    @Test func letGoOfWithoutClosing() throws {
        let fixture = try Fixture()
        try fixture.feed(10)
        let duration = try elapsed {
            let consumer = try fixture.consumer()
            try consumer.assign([
                TopicPartitionOffset(TopicPartition("quotes", 0), .beginning)
            ])
            let batch = consumer.makeBatch(capacity: 4)
            try poll(consumer) { consumer.queues[0].drain(into: batch) > 0 }
            let producer = try fixture.producer()
            try producer.send(to: try producer.topic("quotes"), partition: 0, value: "x")
        }
        #expect(duration < limit)
    }

    @Test func subscribedWithNoBrokerToReach() throws {
        let consumer = try Consumer(.consumer(bootstrapServers: nowhere, groupId: "g"))
        try consumer.subscribe(["quotes"])
        for _ in 0..<20 {
            consumer.wait(upTo: .milliseconds(20))
            consumer.poll()
        }
        closes { consumer.close() }
    }

    @Test func inTheMidstOfJoining() throws {
        let fixture = try Fixture()
        for milliseconds in [0, 100, 1000] {
            let consumer = try fixture.consumer(group: "joiners-\(milliseconds)")
            try consumer.subscribe(["quotes"])
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .milliseconds(milliseconds) {
                consumer.wait(upTo: .milliseconds(10))
                consumer.poll()
            }
            closes(nil) { consumer.close() }
        }
    }

    /// Many, because the moment in which librdkafka 2.0.2 never answers an assignment is short.
    @Test func withARebalanceThatNobodyServed() throws {
        let fixture = try Fixture()
        let consumers = try (0..<40).map { try fixture.consumer(group: "unserved-\($0)") }
        for consumer in consumers { try consumer.subscribe(["quotes"]) }
        let start = ContinuousClock.now
        // The assignments arrive after about 3 seconds and stay in the main queues.
        while ContinuousClock.now - start < .seconds(4) { consumers[0].wait(upTo: .seconds(1)) }
        for consumer in consumers { closes { consumer.close() } }
    }

    @Test func assignedWithRecordsUndrainedAndABatchInUse() throws {
        let fixture = try Fixture(partitions: 3)
        for partition in 0..<3 { try fixture.feed(500, partition: Int32(partition)) }
        let consumer = try fixture.consumer()
        try consumer.assign(
            (0..<3).map { TopicPartitionOffset(TopicPartition("quotes", $0), .beginning) })
        let batch = consumer.makeBatch(capacity: 100)
        let queues = consumer.queues
        try poll(consumer) { queues[0].drain(into: batch) > 0 && queues[1].waiting > 0 }
        closes { consumer.close() }
        #expect(batch.isEmpty)
        #expect(queues[0].drain(into: batch) == 0)
        #expect(queues[1].waiting == 0)
    }

    @Test func aConsumerWhoseBrokerIsGone() throws {
        let fixture = try Fixture()
        let member = Holder()
        let consumer = try fixture.consumer()
        try consumer.subscribe(["quotes"])
        try poll(consumer, owner: member) { member.isHolding }
        try fixture.broker.setDown()
        closes(nil) { consumer.close(owner: member) }
        #expect(!member.isHolding)
    }

    @Test func aConsumerWhoseBrokerWasDestroyed() throws {
        let fixture = try Fixture()
        try fixture.feed(10)
        let consumer = try fixture.consumer()
        try consumer.assign([TopicPartitionOffset(TopicPartition("quotes", 0), .beginning)])
        try poll(consumer) { consumer.queues[0].waiting > 0 }
        closes { fixture.broker.close() }
        closes(nil) { consumer.close() }
    }

    @Test func aProducerWithUndeliveredMessagesSaysSo() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        try producer.send(to: topic, partition: 0, value: "first")
        #expect(try producer.flush(within: .seconds(10)) == 0)
        try fixture.broker.setDown()
        for _ in 0..<100 { try producer.send(to: topic, partition: 0, value: "x") }
        closes(.incomplete("100 messages undelivered")) { producer.close(within: .seconds(3)) }
        #expect(producer.deliveries().purged == 100)
    }

    @Test func anOpenTransactionIsAborted() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(transactionalId: "t")
        try producer.initializeTransactions(within: .seconds(10))
        try producer.beginTransaction()
        let topic = try producer.topic("quotes")
        for _ in 0..<100 { try producer.send(to: topic, partition: 0, value: "x") }
        closes { producer.close() }
    }

    @Test func anOpenTransactionWithoutABrokerIsLeftAndSaysSo() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(transactionalId: "t")
        try producer.initializeTransactions(within: .seconds(10))
        try producer.beginTransaction()
        let topic = try producer.topic("quotes")
        try producer.send(to: topic, partition: 0, value: "x")
        #expect(try producer.flush(within: .seconds(10)) == 0)
        try fixture.broker.setDown()
        var outcome = Shutdown.clean
        closes(nil) {
            outcome = producer.close(within: .seconds(3))
            return outcome
        }
        guard case .incomplete(let left) = outcome else {
            Issue.record("an open transaction was left in silence")
            return
        }
        #expect(left.contains("an open transaction"))
    }

    @Test func initializingTransactionsWithoutABroker() throws {
        let producer = try Producer(.producer(bootstrapServers: nowhere, transactionalId: "t"))
        let error = #expect(throws: KafkaError.self) {
            try producer.initializeTransactions(within: .milliseconds(500))
        }
        #expect(error?.remedy == .retry)
        closes { producer.close() }
    }

    @Test func manyTimesInARow() throws {
        let fixture = try Fixture()
        for round in 0..<20 {
            try fixture.feed(5)
            let consumer = try fixture.consumer()
            try consumer.assign([
                TopicPartitionOffset(TopicPartition("quotes", 0), .beginning)
            ])
            if round % 2 == 0 { try poll(consumer) { consumer.queues[0].waiting > 0 } }
            closes { consumer.close() }
        }
    }
}

/// Takes what it is given.
private final class Holder: PartitionOwner {
    var isHolding = false

    func partitionsAssigned(
        _ partitions: [TopicPartition], to consumer: any LogConsumer
    ) -> [TopicPartitionOffset] {
        isHolding = true
        return partitions.map { TopicPartitionOffset($0, .beginning) }
    }

    func partitionsRevoked(
        _ partitions: [TopicPartition], lost: Bool, from consumer: any LogConsumer
    ) { isHolding = false }
}
