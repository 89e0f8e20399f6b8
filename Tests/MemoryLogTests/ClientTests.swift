import Kafka
import MemoryLog
import Testing

/// What a worker is told by its clients when requests fail, and what became of them.
@Suite struct ClientTests {
    let bus: Bus
    let process: MemoryProcess

    init() throws {
        bus = try Bus()
        process = MemoryProcess("one", on: bus.log)
    }

    /// Interferes with the next request of a kind, once.
    private func strike(_ call: Call, _ interference: Interference) {
        process.interfere = { [process] asked in
            guard asked == call else { return .none }
            process.interfere = { _ in .none }
            return interference
        }
    }

    private let timeOut = KafkaError(code: KafkaError.Code.timedOut, operation: "wait")

    private func producer(
        of process: MemoryProcess? = nil, isInitialized: Bool = true
    ) throws -> any LogProducer {
        let producer = try (process ?? self.process).makeProducer(
            .producer(bootstrapServers: "memory", transactionalId: "id"), deliveryTags: 1)
        if isInitialized { try producer.initializeTransactions(within: .seconds(1)) }
        return producer
    }

    private func produce(_ text: String, by producer: any LogProducer) throws {
        _ = try Array(text.utf8).withUnsafeBytes { bytes in
            try producer.produce(
                to: producer.topic(Bus.stream), partition: 0, key: nil, value: bytes,
                timestampMilliseconds: 1, headers: [], tag: 0)
        }
    }

    private func consumer(of process: MemoryProcess? = nil) throws -> any LogConsumer {
        let consumer = try (process ?? self.process).makeConsumer(
            .consumer(bootstrapServers: "memory", groupId: "readers"))
        try consumer.subscribe([Bus.stream])
        return consumer
    }

    // MARK: Producing

    @Test func aLostAnswerToACommitLeavesItDoneOnceAndAskingAgainSaysSo() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(.commitTransaction, .answerLost(timeOut))
        #expect(throws: timeOut) { try producer.commitTransaction(within: .seconds(1)) }
        #expect(try bus.values() == ["a"])
        try producer.commitTransaction(within: .seconds(1))
        #expect(!producer.isInTransaction)
        #expect(try bus.values() == ["a"])
    }

    @Test func aCommitOfUnknownResultCannotBecomeAnAbort() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(.commitTransaction, .refused(timeOut))
        #expect(throws: timeOut) { try producer.commitTransaction(within: .seconds(1)) }
        #expect(throws: KafkaError.self) { try producer.abortTransaction(within: .seconds(1)) }
        try producer.commitTransaction(within: .seconds(1))
        #expect(try bus.values() == ["a"])
    }

    @Test func aCommitThatComesLateEndsTheNextTransactionHalfDone() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(.commitTransaction, .late(timeOut, milliseconds: 100))
        #expect(throws: timeOut) { try producer.commitTransaction(within: .seconds(1)) }
        try producer.commitTransaction(within: .seconds(1))
        try producer.beginTransaction()
        try produce("b", by: producer)
        producer.poll(upTo: .zero)
        bus.log.advance(to: 100)
        #expect(try bus.values() == ["a", "b"])
    }

    @Test func aNewProducerOfTheSameIdFencesACommitThatComesLate() throws {
        let old = try producer()
        try old.beginTransaction()
        try produce("a", by: old)
        strike(.commitTransaction, .late(timeOut, milliseconds: 100))
        #expect(throws: timeOut) { try old.commitTransaction(within: .seconds(1)) }
        let new = try producer()
        try new.beginTransaction()
        try produce("b", by: new)
        new.poll(upTo: .zero)
        bus.log.advance(to: 100)
        #expect(try bus.values() == [])
        try new.commitTransaction(within: .seconds(1))
        #expect(try bus.values() == ["b"])
    }

    @Test func aMessageWhoseAnswerIsLostIsWrittenOnce() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(.produce, .answerLost(timeOut))
        producer.poll(upTo: .zero)
        #expect(producer.outstanding == 1)
        try producer.commitTransaction(within: .seconds(1))
        #expect(try bus.values() == ["a"])
        #expect(producer.deliveries(tag: 0).delivered == 1)
    }

    @Test func aMessageThatCannotBeDeliveredLeavesNothingButAnAbort() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(
            .produce,
            .answerLost(
                KafkaError(
                    code: KafkaError.Code.messageTimedOut, operation: "deliver",
                    isRetriable: false, requiresAbort: true)))
        let error = #expect(throws: KafkaError.self) {
            try producer.commitTransaction(within: .seconds(1))
        }
        #expect(error?.remedy == .abortTransaction)
        try producer.abortTransaction(within: .seconds(1))
        try producer.beginTransaction()
        try produce("b", by: producer)
        try producer.commitTransaction(within: .seconds(1))
        #expect(try bus.values() == ["b"])
    }

    @Test func aFencedProducerCanDoNoMore() throws {
        let old = try producer()
        try old.beginTransaction()
        try produce("old", by: old)
        old.poll(upTo: .zero)
        _ = try producer(of: MemoryProcess("two", on: bus.log))
        let error = #expect(throws: KafkaError.self) {
            try old.commitTransaction(within: .seconds(1))
        }
        #expect(error?.isFatal == true && error?.isOwnershipLost == true)
        #expect(throws: KafkaError.self) { try old.beginTransaction() }
        #expect(try bus.values() == [])
    }

    @Test func initializingWaitsWhileAnOlderTransactionEnds() throws {
        bus.log.markerDelays = [500]
        let old = try producer()
        try old.beginTransaction()
        try produce("a", by: old)
        try old.commitTransaction(within: .seconds(1))
        let new = try producer(isInitialized: false)
        #expect(throws: KafkaError.self) { try new.initializeTransactions(within: .zero) }
        try new.initializeTransactions(within: .seconds(5))
        #expect(try bus.values() == ["a"])
    }

    @Test func nothingOfAKilledProcessIsDoneAfterItsDeath() throws {
        let producer = try producer()
        try producer.beginTransaction()
        try produce("a", by: producer)
        strike(.commitTransaction, .killedAfter)
        #expect(throws: KafkaError.self) { try producer.commitTransaction(within: .seconds(1)) }
        #expect(process.isKilled)
        #expect(try bus.values() == ["a"])
        #expect(throws: KafkaError.self) { try producer.beginTransaction() }
        #expect(producer.close(within: .seconds(1)) == .clean)
    }

    // MARK: Groups

    /// Remembers what the group told it.
    private final class Owner: PartitionOwner {
        var held: [Int32] = []
        var hasLost = false

        func partitionsAssigned(
            _ partitions: [TopicPartition], to consumer: any LogConsumer
        ) -> [TopicPartitionOffset] {
            held = partitions.map(\.partition)
            return partitions.map { TopicPartitionOffset($0, .beginning) }
        }

        func partitionsRevoked(
            _ partitions: [TopicPartition], lost: Bool, from consumer: any LogConsumer
        ) {
            held = []
            hasLost = lost
        }
    }

    @Test func aSecondMemberTakesItsShareOnceTheFirstHasGivenItBack() throws {
        let (first, second) = (Owner(), Owner())
        let one = try consumer()
        one.poll(owner: first)
        #expect(first.held == [0, 1])
        let two = try consumer(of: MemoryProcess("two", on: bus.log))
        two.poll(owner: second)
        #expect(second.held == [])
        one.poll(owner: first)
        two.poll(owner: second)
        #expect(first.held == [0] && !first.hasLost)
        #expect(second.held == [1])
    }

    @Test func aFrozenMemberLosesItsPartitionsAndLearnsItOnWaking() throws {
        let (first, second) = (Owner(), Owner())
        let one = try consumer()
        one.poll(owner: first)
        let metadata = try one.groupMetadata()
        let two = try consumer(of: MemoryProcess("two", on: bus.log))
        two.poll(owner: second)
        process.freeze(milliseconds: 10_001)
        two.poll(owner: second)
        #expect(second.held == [0, 1])
        #expect(first.held == [0, 1])
        let producer = try producer()
        try producer.beginTransaction()
        let error = #expect(throws: KafkaError.self) {
            try producer.sendOffsets(
                [CommittedOffset(bus.place(), 1)], of: metadata, within: .seconds(1))
        }
        #expect(error?.isOwnershipLost == true)
        one.poll(owner: first)
        #expect(first.held == [] && first.hasLost)
    }

    /// It was given partitions, and the group waits for all again before it has seen them.
    @Test func aMemberThatSleptThroughARebalanceTakesPartInTheNext() throws {
        let (first, second) = (Owner(), Owner())
        let gone = MemoryProcess("gone", on: bus.log)
        let lost = try consumer(of: gone)
        lost.poll(owner: nil)
        let one = try consumer()
        one.poll(owner: first)
        gone.kill()
        // The session of the dead one ends; nobody polls for the other meanwhile.
        bus.log.advance(to: 20_000)
        let two = try consumer(of: MemoryProcess("two", on: bus.log))
        two.poll(owner: second)
        for _ in 0..<2 { one.poll(owner: first) }
        two.poll(owner: second)
        #expect(first.held == [0] && second.held == [1])
    }

    @Test func aMemberThatIsSlowButNotFrozenKeepsItsPartitions() throws {
        let owner = Owner()
        let one = try consumer()
        one.poll(owner: owner)
        process.pass(60_000)
        one.poll(owner: owner)
        #expect(owner.held == [0, 1] && !owner.hasLost)
    }

    // MARK: Reading

    @Test func theEndIsReportedAtTheLastStableOffset() throws {
        try bus.append("a")
        let writer = try Writer(bus)
        try writer.write("b")
        let reader = try consumer()
        try reader.assign([TopicPartitionOffset(bus.place(), .beginning)], within: .seconds(1))
        let queue = try #require(reader.queue(of: bus.place()))
        let batch = reader.makeBatch(capacity: 10)
        #expect(queue.drain(into: batch) == 1)
        #expect(batch.endOffset == 1)
        try writer.end()
        #expect(queue.drain(into: batch) == 1)
        #expect(batch.endOffset == 3)
        #expect(
            try reader.watermarks(of: [bus.place()], within: .seconds(1))[bus.place()]?.high == 3)
    }

    @Test func anOffsetThatIsGoneIsReportedOnceAndReadingStandsStill() throws {
        try bus.append("a", "b", "c")
        try bus.log.partition(bus.place()).trim(before: 2)
        let reader = try consumer()
        try reader.assign([TopicPartitionOffset(bus.place(), .at(0))], within: .seconds(1))
        let queue = try #require(reader.queue(of: bus.place()))
        let batch = reader.makeBatch(capacity: 10)
        queue.drain(into: batch)
        #expect(batch.failures.map(\.error.code) == [KafkaError.Code.offsetReset])
        queue.drain(into: batch)
        #expect(batch.isEmpty && !batch.hasFailures)
    }
}
