import Kafka
import MemoryLog
import Testing

@Suite struct PartitionTests {
    let bus: Bus

    init() throws { bus = try Bus() }

    private func offsets() throws -> [Int64] {
        try bus.log.partition(bus.place(of: Bus.table)).records().map(\.offset)
    }

    @Test func recordsComeBackAsTheyWereAppended() throws {
        let headers = [Header("schema", "quote.v1"), Header("empty", nil)]
        bus.log.advance(to: 5)
        try bus.log.append(
            [NewRecord(key: [1, 2], value: [3], timestamp: 4, headers: headers)],
            to: bus.place(1))
        let record = try #require(try bus.log.partition(bus.place(1)).records().first)
        #expect(record.key.map(Array.init) == [1, 2])
        #expect(record.value.map(Array.init) == [3])
        #expect(record.headers == headers)
        #expect(record.timestampMilliseconds == 4)
        #expect(record.offset == 0)
    }

    @Test func anEmptyValueIsNoTombstone() throws {
        try bus.set("a", "")
        try bus.set("b", nil)
        let records = try bus.log.partition(bus.place(of: Bus.table)).records()
        #expect(records.map { $0.value?.count } == [0, nil])
    }

    @Test func partitionsCountTheirOffsetsApart() throws {
        try bus.append("a", "b")
        try bus.append("c", to: 1)
        #expect(try bus.log.partition(bus.place(0)).endOffset == 2)
        #expect(try bus.log.partition(bus.place(1)).endOffset == 1)
    }

    @Test func readingGoesOnWhereItStopped() throws {
        try bus.append("a", "b", "c")
        let partition = try bus.log.partition(bus.place())
        let first = try partition.read(from: 0, .readCommitted, atMost: 2)
        #expect(first.nextOffset == 2 && !first.isAtEnd)
        let rest = try partition.read(from: first.nextOffset, .readCommitted, atMost: 2)
        #expect(rest.records.map(\.valueText) == ["c"])
        #expect(rest.nextOffset == 3 && rest.isAtEnd)
    }

    @Test func anOffsetBeyondEitherEndIsOutOfRange() throws {
        try bus.append("a", "b", "c")
        let partition = try bus.log.partition(bus.place())
        partition.trim(before: 2)
        for offset: Int64 in [1, 4] {
            #expect(throws: BrokerError.offsetOutOfRange) {
                try partition.read(from: offset, .readCommitted)
            }
        }
        #expect(try partition.read(from: 2, .readCommitted).records.map(\.offset) == [2])
        #expect(try partition.read(from: 3, .readCommitted).isAtEnd)
    }

    @Test func retentionDeletesNothingOfAnOpenTransaction() throws {
        try bus.append("a")
        let writer = try Writer(bus)
        try writer.write("b")
        try bus.append("c")
        let partition = try bus.log.partition(bus.place())
        partition.trim(before: 3)
        #expect(partition.startOffset == 1)
        try writer.end()
        #expect(try bus.values() == ["b", "c"])
    }

    @Test func compactionKeepsTheNewestOfEachKeyAtItsOffset() throws {
        for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("a", "3")] {
            try bus.set(key, value)
        }
        let partition = try bus.log.partition(bus.place(of: Bus.table))
        partition.compact()
        #expect(try offsets() == [1, 3, 4])
        #expect(partition.endOffset == 5)
        #expect(partition.startOffset == 0)
    }

    @Test func aReaderInAHoleGoesOnBehindIt() throws {
        for value in ["1", "2", "3"] { try bus.set("a", value) }
        let partition = try bus.log.partition(bus.place(of: Bus.table))
        partition.compact()
        #expect(try partition.read(from: 1, .readCommitted).records.map(\.offset) == [2])
    }

    @Test func compactionLeavesTheNewestPartAlone() throws {
        for value in ["1", "2", "3", "4"] { try bus.set("a", value) }
        try bus.log.partition(bus.place(of: Bus.table)).compact(below: 2)
        #expect(try offsets() == [1, 2, 3])
    }

    @Test func aTombstoneIsKeptUntilReadersHaveHadTheTimeToSeeIt() throws {
        try bus.set("a", "1")
        bus.log.advance(to: 100)
        try bus.set("a", nil)
        let partition = try bus.log.partition(bus.place(of: Bus.table))
        partition.compact(horizon: 100)
        #expect(try bus.values(0, of: Bus.table) == ["a:"])
        partition.compact(horizon: 101)
        #expect(try bus.values(0, of: Bus.table) == [])
        #expect(partition.endOffset == 2)
    }

    @Test func compactionNeverPutsAnAbortedRecordInTheNewestOnesPlace() throws {
        try bus.set("a", "1")
        let place = bus.place(of: Bus.table)
        let writer = try Writer(bus)
        try bus.log.addPartitions([place], to: writer.id, writer.identity)
        try bus.log.append(
            [bus.record("a", "2")], to: place, in: writer.id, writer.identity, sequence: 0)
        try bus.log.partition(place).compact()
        #expect(try bus.values(0, of: Bus.table, .readUncommitted) == ["1", "2"])
        try writer.end(isCommit: false)
        try bus.log.partition(place).compact()
        #expect(try bus.values(0, of: Bus.table, .readUncommitted) == ["1"])
    }

    @Test func whatThereIsNotIsRefused() throws {
        #expect(throws: BrokerError.unknownTopicOrPartition) { try bus.append("a", to: 2) }
        #expect(throws: BrokerError.unknownTopicOrPartition) {
            try bus.log.append([], to: TopicPartition("none", 0))
        }
        #expect(throws: BrokerError.topicAlreadyExists) {
            try bus.log.createTopic(Bus.stream, partitions: 1)
        }
        #expect(throws: BrokerError.invalidRecord) {
            try bus.log.append(
                [NewRecord(key: nil, value: [], timestamp: 0)], to: bus.place(of: Bus.table))
        }
        bus.log.maximumRecordBytes = 5
        #expect(throws: BrokerError.messageTooLarge) { try bus.append("abc") }
        try bus.append("ab")
    }

    @Test func whatIsScheduledHappensInTheOrderOfItsTimes() throws {
        var done: [String] = []
        bus.log.schedule(at: 20) { done.append("b") }
        bus.log.schedule(at: 10) { [log = bus.log] in
            done.append("a \(log.now)")
            log.schedule(at: 15) { done.append("then") }
        }
        bus.log.schedule(at: 20) { done.append("c") }
        bus.log.advance(to: 19)
        #expect(done == ["a 10", "then"])
        bus.log.advance(to: 20)
        #expect(done == ["a 10", "then", "b", "c"])
        #expect(bus.log.now == 20)
    }
}
