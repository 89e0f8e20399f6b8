import Kafka
import Testing

@Suite(.serialized) struct RoundTripTests {
    @Test func aRecordKeepsItsKeyValueTimeAndHeaders() throws {
        let fixture = try Fixture()
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        let headers = [Header("cause", "test"), Header("null", nil), Header("empty", [])]
        try producer.send(
            to: topic, partition: 0, key: "BTC", value: "1.5",
            timestampMilliseconds: 1_700_000_000_123, headers: headers)
        try producer.send(to: topic, partition: 0, key: "ETH", value: nil)
        try producer.send(to: topic, partition: 0, key: nil, value: "")
        try producer.send(to: topic, partition: 0, key: "", value: "no key is not an empty key")
        #expect(try producer.flush(within: .seconds(10)) == 0)
        #expect(producer.deliveries().delivered == 4)
        #expect(producer.deliveries().outstanding == 0)

        let consumer = try fixture.consumer()
        let partition = TopicPartition("quotes", 0)
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 16)
        let queue = try #require(consumer.queue(of: partition))
        try poll(consumer) { queue.waiting >= 5 }
        try #require(queue.drain(into: batch) == 4)
        #expect(batch.source == partition)
        #expect(!batch.hasFailures)

        #expect(text(batch[0].key) == "BTC")
        #expect(text(batch[0].value) == "1.5")
        #expect(batch[0].timestampMilliseconds == 1_700_000_000_123)
        #expect(batch[0].timestampSource == .producer)
        #expect(batch[0].headers == headers)
        #expect(text(batch[0].header(named: "cause")) == "test")
        #expect(text(batch[0].header(named: "empty")) == "")
        #expect(batch[0].header(named: "null") == nil)
        #expect(batch[1].header(named: "cause") == nil)
        #expect(text(batch[1].key) == "ETH")
        #expect(batch[1].value == nil)
        #expect(batch[1].headers.isEmpty)
        #expect(batch[2].key == nil)
        #expect(text(batch[2].value) == "")
        #expect(text(batch[3].key) == "")
        #expect((0..<4).map { batch[$0].offset } == [0, 1, 2, 3])
        #expect(consumer.close() == .clean)
        #expect(batch.isEmpty)
        #expect(producer.close() == .clean)
        #expect(fixture.broker.close() == .clean)
    }

    @Test func severalPartitionsAreDrainedInBatchesInOrder() throws {
        let fixture = try Fixture(partitions: 3)
        for partition in 0..<3 { try fixture.feed(250, partition: Int32(partition)) }
        let consumer = try fixture.consumer()
        let partitions = (0..<3).map { TopicPartition("quotes", Int32($0)) }
        try consumer.assign([
            TopicPartitionOffset(partitions[0], .beginning),
            TopicPartitionOffset(partitions[1], .at(100)),
            TopicPartitionOffset(partitions[2], .beginning),
        ])
        let batch = consumer.makeBatch(capacity: 64)
        var copies: [Copied] = []
        try poll(consumer) {
            drain(consumer, batch, into: &copies)
            return copies.count >= 650
        }
        for (partition, first) in [(0, 0), (1, 100), (2, 0)] {
            let values = copies.filter { $0.partition.partition == partition }.map(\.value)
            #expect(values == (first..<250).map { "\($0)" })
        }
        let positions = try consumer.position(of: partitions)
        #expect(positions.map(\.offset) == [250, 250, 250])
        #expect(consumer.close() == .clean)
    }
}
