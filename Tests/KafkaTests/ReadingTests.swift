import Kafka
import Testing

@Suite(.serialized) struct ReadingTests {
    let partition = TopicPartition("quotes", 0)

    @Test func theEndOfAPartitionIsReportedEachTimeItIsReached() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 16)
        let queue = try #require(consumer.queue(of: partition))
        try poll(consumer) {
            queue.drain(into: batch)
            return batch.endOffset == 0
        }
        try fixture.feed(3)
        var count = 0
        try poll(consumer) {
            count += queue.drain(into: batch)
            return batch.endOffset == 3
        }
        #expect(count == 3)
        #expect(consumer.close() == .clean)
    }

    @Test func anOffsetOutOfRangeIsReportedAndNeverJumpedOver() throws {
        let fixture = try Fixture()
        try fixture.feed(5)
        let consumer = try fixture.consumer()
        try consumer.assign([TopicPartitionOffset(partition, .at(1000))])
        let batch = consumer.makeBatch(capacity: 16)
        var queue = try #require(consumer.queue(of: partition))
        var failures: [PartitionFailure] = []
        try poll(consumer) {
            #expect(queue.drain(into: batch) == 0)
            failures += batch.failures
            return !failures.isEmpty
        }
        let failure = try #require(failures.first)
        #expect(failure.error.code == KafkaError.Code.offsetReset)
        #expect(failure.topicPartition == partition)
        #expect("\(failure.error)".contains("check its retention"))

        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        queue = try #require(consumer.queue(of: partition))
        var count = 0
        try poll(consumer) {
            count += queue.drain(into: batch)
            return count == 5
        }
        #expect(consumer.close() == .clean)
    }

    @Test func seekingDropsWhatWasFetchedAndGoesOnThere() throws {
        let fixture = try Fixture()
        try fixture.feed(50)
        let consumer = try fixture.consumer()
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 8)
        let queue = try #require(consumer.queue(of: partition))
        try poll(consumer) { queue.drain(into: batch) > 0 }
        #expect(batch[0].offset == 0)
        try consumer.seek([TopicPartitionOffset(partition, .at(42))])
        try poll(consumer) { queue.drain(into: batch) > 0 }
        #expect(batch[0].offset == 42)
        #expect(consumer.close() == .clean)
    }

    @Test func watermarksSpanWhatIsThere() throws {
        let fixture = try Fixture(partitions: 2)
        try fixture.feed(7)
        let consumer = try fixture.consumer()
        let empty = TopicPartition("quotes", 1)
        #expect(
            try consumer.watermarks(of: [partition, empty]) == [
                partition: Watermarks(low: 0, high: 7), empty: Watermarks(low: 0, high: 0),
            ])
        #expect(try consumer.watermarks(of: []).isEmpty)
        #expect(consumer.close() == .clean)
    }

    @Test func whoAsksForOffsetsWaitsNoLongerThanItMay() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        _ = try consumer.watermarks(of: [partition])
        try fixture.broker.setRoundTrip(.seconds(5))
        let start = ContinuousClock.now
        let error = #expect(throws: KafkaError.self) {
            try consumer.watermarks(of: [partition], within: .milliseconds(300))
        }
        #expect(error?.isRetriable == true)
        try fixture.broker.setDown()
        #expect(throws: KafkaError.self) {
            try consumer.assign(
                [TopicPartitionOffset(partition, .beginning)], within: .milliseconds(300))
        }
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(consumer.close() == .clean)
    }

    /// librdkafka 2.0.2 goes on fetching what it was told to stop before it knew where to begin.
    @Test func whatIsNotAssignedAnyMoreIsNotFetched() throws {
        let fixture = try Fixture(partitions: 8)
        let consumer = try fixture.consumer(properties: ["statistics.interval.ms": "200"])
        let places = (0..<8).map { TopicPartition("quotes", $0) }
        _ = try consumer.describe(["quotes"])
        try consumer.assign(places.map { TopicPartitionOffset($0, .beginning) })
        try consumer.assign([TopicPartitionOffset(places[0], .beginning)])
        // librdkafka asks again after half a second.
        var states: Set<Substring> = []
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            consumer.wait(upTo: .milliseconds(50))
            consumer.poll()
            for case .statistics(let text) in consumer.takeEvents() {
                states = Set(text.matches(of: /"fetch_state":"([a-z-]+)"/).map(\.1))
            }
        }
        #expect(states == ["active", "none", "stopped"])
        #expect(consumer.close() == .clean)
    }

    @Test func committedOffsetsAndTheirMetadataComeBack() throws {
        let fixture = try Fixture(partitions: 2)
        let consumer = try fixture.consumer(group: "committers")
        let partitions = [partition, TopicPartition("quotes", 1)]
        #expect(try consumer.committed(partitions).isEmpty)
        try consumer.commit([CommittedOffset(partition, 11, metadata: "shard time 7")])
        #expect(
            try consumer.committed(partitions) == [
                CommittedOffset(partition, 11, metadata: "shard time 7")
            ])

        try consumer.commitLater([CommittedOffset(partitions[1], 5)])
        var results: [[CommittedOffset]] = []
        try poll(consumer) {
            for case .committed(let offsets, let error) in consumer.takeEvents() {
                #expect(error == nil)
                results.append(offsets)
            }
            return !results.isEmpty
        }
        #expect(results.last == [CommittedOffset(partitions[1], 5)])
        #expect(try consumer.committed(partitions).map(\.offset) == [11, 5])
        #expect(consumer.close() == .clean)
    }

    @Test func aStaleGenerationIsRefusedAsOwnershipLost() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        try fixture.broker.inject([22], into: .offsetCommit)
        let error = #expect(throws: KafkaError.self) {
            try consumer.commit([CommittedOffset(partition, 1)])
        }
        #expect(error?.name == "ILLEGAL_GENERATION")
        #expect(error?.isOwnershipLost == true)
        #expect(consumer.close() == .clean)
    }

    @Test func aCommitWithoutABrokerEndsWithinItsTime() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        try consumer.commit([CommittedOffset(partition, 1)])
        try fixture.broker.setDown()
        let duration = elapsed {
            let error = #expect(throws: KafkaError.self) {
                try consumer.commit([CommittedOffset(partition, 2)], within: .milliseconds(500))
            }
            #expect(error?.isRetriable == true)
        }
        #expect(duration < .seconds(5))
        let closing = elapsed { consumer.close() }
        #expect(closing < .seconds(10))
    }

    @Test func aRecordEndsAWaitWithinItsTime() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 16)
        let queue = try #require(consumer.queue(of: partition))
        try poll(consumer) {
            queue.drain(into: batch)
            return batch.endOffset == 0
        }
        while consumer.wait(upTo: .zero) {}
        try fixture.feed(1)
        let duration = try elapsed {
            var count = 0
            while count == 0 {
                try #require(consumer.wait(upTo: .seconds(10)))
                count = queue.drain(into: batch)
            }
        }
        #expect(duration < .seconds(5))
        #expect(consumer.close() == .clean)
    }

    @Test func aLoneRecordDoesNotWaitForABatchToFill() throws {
        let fixture = try Fixture()
        try fixture.feed(1)
        let consumer = try fixture.consumer(properties: ["enable.partition.eof": "false"])
        try consumer.assign([TopicPartitionOffset(partition, .beginning)])
        let batch = consumer.makeBatch(capacity: 1000)
        let queue = try #require(consumer.queue(of: partition))
        let duration = elapsed { queue.drain(into: batch, wait: .seconds(10)) }
        #expect(batch.count == 1)
        #expect(duration < .seconds(5))
        #expect(consumer.close() == .clean)
    }

    @Test func anotherThreadEndsAWait() async throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        while consumer.wait(upTo: .zero) {}
        #expect(!consumer.wait(upTo: .milliseconds(20)))
        let waker = consumer.waker
        await Task.detached { waker.wake() }.value
        #expect(consumer.wait(upTo: .seconds(10)))
        #expect(consumer.close() == .clean)
        waker.wake()
    }

    @Test func statisticsAndLogLinesReachTheOwner() throws {
        let fixture = try Fixture()
        let lines = Lines()
        let consumer = try Consumer(
            .consumer(
                bootstrapServers: fixture.broker.bootstrapServers, groupId: "watched",
                properties: ["statistics.interval.ms": "100", "debug": "consumer"])
        ) { lines.append($0.text) }
        var statistics: [String] = []
        try poll(consumer) {
            for case .statistics(let json) in consumer.takeEvents() { statistics.append(json) }
            return !statistics.isEmpty
        }
        #expect(statistics.first?.contains("\"client_id\"") == true)
        #expect(consumer.close() == .clean)
        #expect(!lines.all.isEmpty)
    }
}
