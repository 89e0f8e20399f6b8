import Kafka
import Pipeline
import Quantities
import Testing

/// A position that is gone is never taken for the end.
@Suite(.serialized) struct OffsetTests {
    @Test func aCheckpointBehindTheEndReadsAgainFromTheOldestWithAnAlarm() throws {
        let bus = try Bus(partitions: 1)
        try bus.send(.book(at: 0, sequence: 1))
        try bus.send(.book(at: 200, sequence: 2, mid: 61_000))
        try bus.flush()
        let checkpoint = #"""
            {"schema":"checkpoint.v1","kind":"partition","partition":0,"nextOffset":1000,\#
            "time":null,"quotesPartitions":1,"positionsPartitions":1,"inputs":[]}
            """#
        try bus.send(
            Array(checkpoint.utf8), to: Bus.topics.checkpoints, key: "partition|0")
        try bus.flush()
        let service = bus.serve()
        try wait(for: "two tables") { try bus.haircuts().count >= 2 }
        bus.stop(service)
        #expect(service.counters.offsetResets == 1)
        #expect(service.counters.quotes == 2)
        #expect(bus.log.all.contains { $0.hasPrefix("error") && $0.contains("quotes [0]") })
        #expect(try bus.committed() == 2)
    }

    @Test func aTrimmedPartitionIsReadFromTheOldestRecordThereIs() throws {
        let bus = try Bus(partitions: 1)
        try bus.send(.book(at: 0, sequence: 1))
        try bus.flush()
        let first = bus.serve()
        try wait(for: "a table") { try bus.haircuts().count == 1 }
        bus.stop(first)
        #expect(try bus.committed() == 1)
        // Beyond 5 MiB the broker drops the oldest: each record carries 20 kB nobody reads.
        let filling = "\"filling\":\"" + String(repeating: "x", count: 20_000) + "\","
        let count = 400
        for number in 2...count {
            let quote = Message.book(
                at: number * 200, sequence: number, mid: 60_000 + Double(number) * 100)
            try bus.send(quote.replacing("\"sequence\"", with: filling + "\"sequence\""))
            if number % 20 == 0 { try bus.flush() }
        }
        try bus.flush()
        let low = try oldest(bus)
        #expect(low > 1, "the broker trimmed nothing")
        let second = bus.serve()
        try wait(for: "the last table") {
            try bus.haircuts().contains { $0.time == Message.at(count * 200) }
        }
        bus.stop(second)
        #expect(second.counters.offsetResets == 1)
        #expect(second.counters.quotes == count - Int(low))
        let tables = try bus.haircuts().map { try $0.table() }
        #expect(
            tables.dropFirst().first?.cause
                == .record(topic: "quotes", partition: 0, offset: low))
        #expect(bus.log.contains("reading again from the oldest record"))
    }

    private func oldest(_ bus: Bus) throws -> Int64 {
        let quotes = TopicPartition("quotes", 0)
        let consumer = try Consumer(
            .consumer(bootstrapServers: bus.broker.bootstrapServers, groupId: "reader"))
        defer { consumer.close() }
        return try #require(try consumer.watermarks(of: [quotes])[quotes]).low
    }
}
