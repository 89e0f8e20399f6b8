import Haircuts
import Kafka
import Pipeline
import Quantities
import Testing

@Suite(.serialized) struct PublishingTests {
    @Test func quotesComeOutAsTablesOnThePartitionOfTheSameNumber() throws {
        let bus = try Bus(partitions: 3)
        let service = bus.serve()
        defer { bus.stop(service) }
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        try bus.send(.surface(at: 0, sequence: 1), partition: 2)
        try bus.send(
            .book(at: 10, sequence: 1), partition: 2,
            headers: [Header("traceparent", trace), Header("other", "x")])
        try bus.send(.book("ETH", at: 10, sequence: 1, mid: 3_000), partition: 1)
        try bus.flush()
        try wait(for: "two tables") { try bus.haircuts().count >= 2 }
        let seen = try bus.haircuts().sorted { $0.key ?? "" < $1.key ?? "" }
        #expect(seen.map(\.key) == ["BTC", "ETH"])
        #expect(seen.map(\.partition) == [2, 1])
        #expect(seen.map { $0.header("schema") } == ["haircut.v1", "haircut.v1"])
        #expect(seen[0].headers.map(\.name) == ["schema", "traceparent"])
        #expect(seen[0].header("traceparent") == trace)
        #expect(seen[1].headers.map(\.name) == ["schema"])
        #expect(seen[0].time == Message.at(10))

        let table = try seen[0].table()
        #expect(table.cause == .record(topic: "quotes", partition: 2, offset: 0))
        #expect(table.mid == FixedDecimal(60_000))
        #expect(table.time == Message.at(10))
        #expect(table.sequence == 1)
        #expect(table.components.surfaceAge == 0.01)
        #expect(try seen[1].table().components.surfaceAge == nil)
        #expect(service.counters.applied == 3)
        #expect(service.counters.partitions == [0, 1, 2])
    }

    @Test func everyTableHasAReasonAndNoneComesWithin100Milliseconds() throws {
        let bus = try Bus(partitions: 1)
        var sequence = 0
        func quote(_ milliseconds: Int, _ mid: Double) throws {
            sequence += 1
            try bus.send(.book(at: milliseconds, sequence: sequence, mid: mid))
        }
        try quote(0, 60_000)  // the first
        try quote(300, 60_029)  // below 5 bp
        try quote(400, 60_030)  // 5 bp
        try quote(450, 60_600)  // 100 bp, but too soon
        try quote(499, 60_600)
        try quote(500, 60_600)  // 100 ms
        try quote(1_400, 60_600)
        try quote(1_500, 60_600)  // a second
        try quote(1_599, 60_000)
        try bus.flush()
        let service = bus.serve()
        defer { bus.stop(service) }
        try wait(for: "all applied") { service.counters.applied == sequence }
        try wait(for: "all published") {
            try bus.haircuts().count == service.counters.published
        }
        let tables = try bus.haircuts().map { try $0.table() }
        #expect(tables.first?.time == Message.start)
        #expect(tables.count >= 4)
        for (before, after) in zip(tables, tables.dropFirst()) {
            let passed = after.time.nanoseconds - before.time.nanoseconds
            let move = abs(after.price.double / before.price.double - 1)
            #expect(passed >= 100_000_000)
            #expect(passed <= 1_100_000_000)
            #expect(after.sequence == before.sequence + 1)
            #expect(
                after.tiers != before.tiers || move >= 0.000_499_9 || passed >= 1_000_000_000)
        }
    }

    @Test func withTheWallClockTimersPublishWhenNoQuoteComes() throws {
        let bus = try Bus(partitions: 1)
        let service = bus.serve(clock: .wall)
        defer { bus.stop(service) }
        try wait(for: "an assignment") { service.counters.partitions == [0] }
        try bus.send(.book(at: 0, sequence: 1))
        try bus.flush()
        try wait(upTo: .seconds(8), for: "heartbeats") {
            try bus.haircuts().count { try $0.table().isCausedByTimer } >= 2
        }
        let tables = try bus.haircuts().map { try $0.table() }
        #expect(tables.first?.cause == .record(topic: "quotes", partition: 0, offset: 0))
        for (before, after) in zip(tables, tables.dropFirst()) {
            let passed = after.time.seconds(since: before.time)
            #expect(passed >= 0.1)
            #expect(after.cause == .timer(after.time))
            if before.tiers == after.tiers { #expect(passed >= 1) }
        }
        #expect(service.counters.timers > 0)
        let timerRecord = try bus.haircuts().last
        #expect(timerRecord?.headers.map(\.name) == ["schema"])
    }

    @Test func withTheEventClockNothingIsPublishedBetweenRecords() throws {
        let bus = try Bus(partitions: 1)
        let service = bus.serve(clock: .event)
        defer { bus.stop(service) }
        try bus.send(.book(at: 0, sequence: 1))
        try bus.flush()
        try wait(for: "a table") { try bus.haircuts().count == 1 }
        pause(.seconds(2))
        #expect(try bus.haircuts().count == 1)
        #expect(service.counters.timers == 0)
    }

    @Test func anUnlistedAssetIsCountedAndReportedOnce() throws {
        let bus = try Bus(partitions: 1)
        for sequence in 1...5 { try bus.send(.book("DOGE", at: sequence, sequence: sequence)) }
        try bus.send(.surface("DOGE", at: 6, sequence: 1))
        try bus.send(.book(at: 10, sequence: 1))
        try bus.flush()
        let service = bus.serve()
        defer { bus.stop(service) }
        try wait(for: "a table") { try bus.haircuts().count == 1 }
        #expect(service.counters.unlisted == 6)
        #expect(service.counters.applied == 1)
        #expect(try bus.haircuts().map(\.key) == ["BTC"])
        #expect(bus.log.all.filter { $0.contains("DOGE") }.count == 1)
        #expect(try bus.deadLetters().isEmpty)
    }
}

extension HaircutTable {
    var isCausedByTimer: Bool {
        if case .timer = cause { true } else { false }
    }
}
