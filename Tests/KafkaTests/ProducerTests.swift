import Kafka
import Testing

@Suite(.serialized) struct ProducerTests {
    @Test func deliveriesAreCountedByTag() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(deliveryTags: 3)
        let topic = try producer.topic("quotes")
        for index in 0..<10 {
            try producer.send(to: topic, value: "\(index)", tag: index % 2 == 0 ? 0 : 2)
        }
        #expect(producer.deliveries(tag: 2).accepted == 5)
        #expect(try producer.flush(within: .seconds(10)) == 0)
        #expect(producer.deliveries(tag: 0).delivered == 5)
        #expect(producer.deliveries(tag: 1) == Deliveries())
        #expect(producer.deliveries(tag: 2).outstanding == 0)
        producer.resetDeliveries(tag: 2)
        #expect(producer.deliveries(tag: 2) == Deliveries())
        #expect(producer.close() == .clean)
    }

    /// Each partition's records are a request of their own. With Nagle's algorithm the second
    /// answer waits until the first is acknowledged, which kernels put off for 40 ms: a quarter to
    /// a half of all rounds took that long.
    @Test func smallRequestsAndAnswersAreNotHeldBack() throws {
        let fixture = try Fixture(partitions: 2)
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        var slow = 0
        for _ in 0..<41 {
            let start = ContinuousClock.now
            for partition in Int32(0)...1 {
                try producer.send(to: topic, partition: partition, value: "x")
            }
            let limit = start + .seconds(10)
            while producer.deliveries().outstanding > 0, ContinuousClock.now < limit {
                producer.poll(upTo: .milliseconds(10))
            }
            if ContinuousClock.now - start > .milliseconds(35) { slow += 1 }
            for _ in 0..<3 { producer.poll(upTo: .milliseconds(10)) }
        }
        #expect(slow < 5)
        #expect(producer.close() == .clean)
    }

    @Test func aRefusalOfTheBrokerIsAFailedDelivery() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(properties: ["enable.idempotence": "false"])
        let topic = try producer.topic("quotes")
        let refusal = KafkaError.Code.topicAuthorizationFailed
        try fixture.broker.inject([refusal], into: .produce)
        try producer.send(to: topic, partition: 0, value: "refused")
        #expect(try producer.flush(within: .seconds(10)) == 0)
        let deliveries = producer.deliveries()
        #expect(deliveries.failed == 1)
        #expect(deliveries.delivered == 0)
        #expect(deliveries.lastFailureCode == refusal)
        var errors: [KafkaError] = []
        for case .undelivered(let partition, 0, let error) in producer.takeEvents() {
            #expect(partition == TopicPartition("quotes", 0))
            errors.append(error)
        }
        #expect(errors.map(\.code) == [refusal])
        #expect(errors.first.map { "\($0)" }?.contains("grant this user access") == true)
        #expect(producer.close() == .clean)
    }

    @Test func aTransientErrorOfTheBrokerIsRetriedAndDeliveredOnce() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        try fixture.broker.inject([7, 6], into: .produce)
        for index in 0..<20 { try producer.send(to: topic, partition: 0, value: "\(index)") }
        #expect(try producer.flush(within: .seconds(20)) == 0)
        #expect(producer.deliveries().delivered == 20)
        let consumer = try fixture.consumer()
        let quotes = TopicPartition("quotes", 0)
        #expect(try consumer.watermarks(of: [quotes])[quotes]?.high == 20)
        #expect(consumer.close() == .clean)
        #expect(producer.close() == .clean)
    }

    @Test func aFullQueueIsAValueAndHasRoomAgainAfterPolling() throws {
        let fixture = try Fixture()
        try fixture.broker.setDown()
        let producer = try fixture.producer(properties: [
            "queue.buffering.max.messages": "10", "message.timeout.ms": "60000",
        ])
        let topic = try producer.topic("quotes")
        for _ in 0..<10 {
            #expect(try producer.send(to: topic, partition: 0, value: "x") == .queued)
        }
        #expect(try producer.send(to: topic, partition: 0, value: "x") == .queueFull)
        #expect(producer.deliveries().accepted == 10)
        try fixture.broker.setUp()
        #expect(try producer.flush(within: .seconds(20)) == 0)
        #expect(try producer.send(to: topic, partition: 0, value: "x") == .queued)
        #expect(try producer.flush(within: .seconds(20)) == 0)
        #expect(producer.deliveries().delivered == 11)
        #expect(producer.close() == .clean)
    }

    @Test func aBrokerThatIsDownIsNamedWithAdviceAndRecoversFrom() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        try producer.send(to: topic, partition: 0, value: "before")
        #expect(try producer.flush(within: .seconds(10)) == 0)
        try fixture.broker.setDown()
        try producer.send(to: topic, partition: 0, value: "while down")
        var errors: [KafkaError] = []
        let start = ContinuousClock.now
        while errors.isEmpty, ContinuousClock.now - start < .seconds(20) {
            producer.poll(upTo: .milliseconds(50))
            for case .failure(let error) in producer.takeEvents() { errors.append(error) }
        }
        let sentence = errors.first.map { "\($0)" } ?? ""
        #expect(sentence.hasPrefix("could not reach \(fixture.broker.bootstrapServers): "))
        #expect(sentence.hasSuffix("check kafka.bootstrapServers and that the broker is up"))
        #expect(errors.first?.isRetriable == true)
        #expect(errors.first?.isFatal == false)
        #expect(producer.deliveries().outstanding == 1)

        try fixture.broker.setUp()
        #expect(try producer.flush(within: .seconds(20)) == 0)
        #expect(producer.deliveries().delivered == 2)
        #expect(producer.close() == .clean)
    }

    @Test func purgingDropsWhatWaits() throws {
        let fixture = try Fixture()
        try fixture.broker.setDown()
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        for _ in 0..<5 { try producer.send(to: topic, partition: 0, value: "x") }
        try producer.purge()
        #expect(try producer.flush(within: .seconds(5)) == 0)
        #expect(producer.deliveries().purged == 5)
        #expect(producer.deliveries().failed == 0)
        #expect(producer.close() == .clean)
    }

    @Test func aMessageThatIsTooLargeIsRefusedAtOnce() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer(properties: ["message.max.bytes": "2000"])
        let topic = try producer.topic("quotes")
        let value = String(repeating: "x", count: 5000)
        let error = #expect(throws: KafkaError.self) {
            try producer.send(to: topic, partition: 0, value: value, headers: [Header("a", "b")])
        }
        #expect(error?.code == KafkaError.Code.messageTooLarge)
        #expect(error?.operation == "produce to quotes")
        #expect(producer.deliveries().accepted == 0)
        #expect(producer.close() == .clean)
    }
}
