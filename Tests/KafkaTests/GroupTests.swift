import Kafka
import Testing

/// Answers with each lead partition, its co-partitioned one and all of a broadcast topic.
final class Member: PartitionOwner {
    let consumer: Consumer
    let batch: RecordBatch
    var held: [TopicPartition] = []
    var assignments = 0
    var revocations = 0
    var losses = 0
    var copies: [Copied] = []

    init(_ fixture: Fixture) throws {
        consumer = try fixture.consumer(
            group: "breakwater",
            properties: ["session.timeout.ms": "6000", "heartbeat.interval.ms": "200"])
        batch = consumer.makeBatch(capacity: 32)
        try consumer.subscribe(["quotes"])
    }

    func partitionsAssigned(
        _ partitions: [TopicPartition], to consumer: any LogConsumer
    ) -> [TopicPartitionOffset] {
        assignments += 1
        held = partitions.sorted()
        var wanted = partitions.map { TopicPartitionOffset($0, .at(2)) }
        wanted += partitions.map {
            TopicPartitionOffset(TopicPartition("surfaces", $0.partition), .beginning)
        }
        wanted += (0..<2).map { TopicPartitionOffset(TopicPartition("controls", $0), .beginning) }
        return wanted
    }

    func partitionsRevoked(
        _ partitions: [TopicPartition], lost: Bool, from consumer: any LogConsumer
    ) {
        revocations += 1
        if lost { losses += 1 }
        held = []
    }

    func turn() {
        consumer.wait(upTo: .milliseconds(20))
        consumer.poll(owner: self)
        drain(consumer, batch, into: &copies)
    }

    func values(of topic: String, _ partition: Int32) -> [String?] {
        copies.filter { $0.partition == TopicPartition(topic, partition) }.map(\.value)
    }
}

@Suite(.serialized) struct GroupTests {
    private func turns(
        _ members: [Member], upTo limit: Duration = .seconds(40), until isDone: () -> Bool
    ) throws {
        let start = ContinuousClock.now
        while !isDone() {
            try #require(ContinuousClock.now - start < limit, "no rebalance within \(limit)")
            for member in members { member.turn() }
        }
    }

    @Test func membersShareTheLeadTopicAndReadWhatBelongsToIt() throws {
        let fixture = try Fixture(topic: "quotes", partitions: 4)
        try fixture.broker.create(topic: "surfaces", partitions: 4)
        try fixture.broker.create(topic: "controls", partitions: 2)
        for partition in 0..<4 as Range<Int32> {
            try fixture.feed(5, partition: partition)
            try fixture.feed(3, to: "surfaces", partition: partition)
        }
        try fixture.feed(1, to: "controls", partition: 1)

        let first = try Member(fixture)
        try turns([first]) {
            first.values(of: "quotes", 3).count >= 3 && first.values(of: "surfaces", 3).count >= 3
                && first.values(of: "controls", 1).count >= 1
        }
        #expect(first.held == (0..<4).map { TopicPartition("quotes", $0) })
        #expect(first.consumer.queues.count == 10)
        #expect(first.values(of: "quotes", 3) == ["2", "3", "4"])
        #expect(first.values(of: "surfaces", 3) == ["0", "1", "2"])
        #expect(first.values(of: "controls", 1) == ["0"])
        let committed = CommittedOffset(TopicPartition("surfaces", 2), 3)
        try first.consumer.commit([committed])
        #expect(try first.consumer.committed([committed.topicPartition]) == [committed])
        let metadata = try first.consumer.groupMetadata()

        let second = try Member(fixture)
        try turns([first, second]) { first.held.count == 2 && second.held.count == 2 }
        #expect(Set(first.held + second.held).count == 4)
        #expect(first.revocations == 1)
        #expect(first.losses == 0)
        #expect(second.consumer.queues.count == 6)

        let producer = try fixture.producer(transactionalId: "worker")
        try producer.initializeTransactions(within: .seconds(10))
        try producer.beginTransaction()
        try producer.sendOffsets([committed], of: metadata, within: .seconds(10))
        try producer.commitTransaction(within: .seconds(10))
        #expect(producer.close() == .clean)

        let taken = second.held
        #expect(second.consumer.close(owner: second) == .clean)
        #expect(second.revocations == 1)
        #expect(second.held.isEmpty)
        first.copies = []
        try turns([first]) { first.held.count == 4 }
        try turns([first]) { first.values(of: "quotes", taken[0].partition).count >= 3 }
        #expect(first.values(of: "quotes", taken[0].partition) == ["2", "3", "4"])
        #expect(first.consumer.close(owner: first) == .clean)
        #expect(first.held.isEmpty)
    }

    @Test func aMemberThatTheGroupForgotIsToldThatItLostItsPartitionsAndJoinsAgain() throws {
        let fixture = try Fixture(topic: "quotes", partitions: 2)
        try fixture.broker.create(topic: "surfaces", partitions: 2)
        try fixture.broker.create(topic: "controls", partitions: 2)
        try fixture.feed(5, partition: 1)
        let member = try Member(fixture)
        try turns([member]) { member.values(of: "quotes", 1).count == 3 }
        try fixture.broker.inject([25], into: .heartbeat)
        try turns([member]) { member.losses == 1 }
        #expect(member.held.isEmpty)
        #expect(member.consumer.queues.isEmpty)
        member.copies = []
        try turns([member]) { member.values(of: "quotes", 1).count == 3 }
        #expect(member.assignments == 2)
        #expect(member.consumer.close(owner: member) == .clean)
    }
}
