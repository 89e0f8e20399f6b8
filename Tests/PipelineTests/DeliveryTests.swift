import Kafka
import Pipeline
import Quantities
import Testing

/// At-least-once: what was applied before its outputs were acknowledged is not committed.
@Suite(.serialized) struct DeliveryTests {
    /// Sends quotes of both assets until the number is reached, 200 ms of market time apart; the
    /// mid of each names it.
    private func feed(_ bus: Bus, _ numbers: ClosedRange<Int>) throws {
        for number in numbers {
            try bus.send(
                .book(at: number * 200, sequence: number, mid: mid(number)), partition: 0)
            try bus.send(
                .book("ETH", at: number * 200, sequence: number, mid: mid(number)), partition: 1)
        }
        try bus.flush()
    }

    /// 10 bp from one to the next, so that each is published.
    private func mid(_ number: Int) -> Double { 50_000 + Double(number) * 100 }

    /// Each of both assets' quotes caused a table.
    private func expectAllPublished(
        _ bus: Bus, _ count: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let tables = try bus.haircuts().map { try $0.table() }
        for asset in Bus.assets {
            let mids = Set(tables.filter { "\($0.asset)" == asset }.map { $0.mid.double })
            let missing = (1...count).filter { !mids.contains(mid($0)) }
            #expect(missing.isEmpty, "\(asset)", sourceLocation: sourceLocation)
        }
    }

    private func waitForLast(_ bus: Bus, _ count: Int) throws {
        let last = mid(count)
        try wait(for: "table \(count) of each asset") {
            let tables = try bus.haircuts().suffix(400).map { try $0.table() }
            return Bus.assets.allSatisfy { asset in
                tables.contains { "\($0.asset)" == asset && $0.mid.double == last }
            }
        }
    }

    @Test func nothingIsMissingAfterTheBrokerWasDownInMidStream() throws {
        let bus = try Bus()
        let service = bus.serve()
        try feed(bus, 1...50)
        try waitForLast(bus, 50)
        try bus.broker.setDown()
        for number in 51...100 {
            try bus.send(.book(at: number * 200, sequence: number, mid: mid(number)))
            try bus.send(
                .book("ETH", at: number * 200, sequence: number, mid: mid(number)), partition: 1)
        }
        pause(.seconds(3))
        try bus.broker.setUp()
        try bus.flush()
        try feed(bus, 101...150)
        try waitForLast(bus, 150)
        try expectAllPublished(bus, 150)
        #expect(service.failures.isEmpty)
        #expect(service.counters.applied == 300)
        #expect(service.counters.offsetResets == 0)
        bus.stop(service)
        #expect(try bus.committed(0) == 150)
        #expect(try bus.committed(1) == 150)
    }

    @Test func refusedWritesAreRetriedAndNothingIsMissing() throws {
        let bus = try Bus()
        let service = bus.serve()
        try feed(bus, 1...20)
        try waitForLast(bus, 20)
        let leaderMoved: Int32 = 6
        let outOfReplicas: Int32 = 19
        try bus.broker.inject(
            [leaderMoved, outOfReplicas, leaderMoved, KafkaError.Code.transport], into: .produce)
        try feed(bus, 21...60)
        try waitForLast(bus, 60)
        try expectAllPublished(bus, 60)
        bus.stop(service)
        #expect(try bus.committed(0) == 60)
        #expect(try bus.committed(1) == 60)
    }

    @Test func aDeadLetterTopicThatIsMissingHoldsThePositionAndIsSaid() throws {
        let bus = try Bus(partitions: 1)
        let unknownTopic: Int32 = 3
        try bus.broker.setError(unknownTopic, ofTopic: Bus.topics.deadLetters)
        try bus.send(Array("{".utf8), key: "BTC", time: Message.at(0))
        try bus.flush()
        let service = bus.serve()
        try wait(for: "a warning") { bus.log.contains("find topic letters") }
        #expect(try bus.committed() == nil)
        #expect(service.counters.serving.isEmpty)
        try bus.broker.setError(0, ofTopic: Bus.topics.deadLetters)
        try wait(upTo: .seconds(45), for: "the dead letter") {
            try bus.deadLetters().contains { $0.text == "{" }
        }
        try wait(for: "a commit") { try bus.committed() == 1 }
        bus.stop(service)
        #expect(service.failures.isEmpty)
    }

    @Test func aWriteRefusedForGoodIsNotCommittedPastAndTheWorkerStartsAgain() throws {
        let bus = try Bus(partitions: 1)
        try bus.send(Array("{".utf8), key: "BTC", time: Message.at(0))
        try bus.flush()
        // The next to write anything is the worker, and what it writes is the dead letter.
        let notAuthorised: Int32 = 29
        try bus.broker.inject([notAuthorised], into: .produce)
        let service = bus.serve()
        try wait(for: "a failure") { !service.failures.isEmpty }
        #expect(try bus.committed() == nil)
        #expect(try bus.deadLetters().isEmpty)
        #expect(bus.log.contains("starting again"))
        try wait(upTo: .seconds(45), for: "the dead letter") {
            try bus.deadLetters().count == 1
        }
        try wait(for: "a commit") { try bus.committed() == 1 }
        bus.stop(service)
        #expect(try bus.deadLetters().map(\.text) == ["{"])
    }

    @Test func stoppingWhileTheBrokerIsDownEndsInTime() throws {
        let bus = try Bus()
        let service = bus.serve()
        try feed(bus, 1...20)
        try waitForLast(bus, 20)
        try wait(for: "a commit") { try bus.committed(0) == 20 && bus.committed(1) == 20 }
        try bus.broker.inject(Array(repeating: 6, count: 1_000), into: .produce)
        // Outputs stay unacknowledged, then the broker goes.
        let feeder = bus.producer
        try bus.broker.clearInjected(.produce)
        try bus.send(.book(at: 4_200, sequence: 21, mid: mid(21)))
        _ = try feeder.flush(within: .seconds(5))
        try bus.broker.setDown()
        let start = ContinuousClock.now
        bus.stop(service, within: .seconds(10))
        #expect(ContinuousClock.now - start < .seconds(9))
        try bus.broker.setUp()
        let committed = try #require(try bus.committed(0))
        #expect((20...21).contains(committed))
    }

    @Test func whatWasStoppedGoesOnAtTheCommittedOffset() throws {
        let bus = try Bus()
        try bus.send(.surface(at: 0, sequence: 1))
        try feed(bus, 1...30)
        let first = bus.serve()
        try waitForLast(bus, 30)
        bus.stop(first)
        #expect(try bus.committed(0) == 30)
        #expect(try bus.committed(1) == 30)
        let published = try bus.haircuts().count
        try feed(bus, 31...60)
        let second = bus.serve()
        try waitForLast(bus, 60)
        bus.stop(second)
        #expect(second.counters.quotes == 60)
        #expect(second.counters.surfaces == 0)
        #expect(second.counters.duplicates == 0)
        let since = try bus.haircuts().map { try $0.table() }.filter { $0.mid.double > mid(30) }
        #expect(since.count >= 60)
        #expect(try bus.haircuts().count == published + since.count)
        // The surface, a table, was read again.
        #expect(since.first { "\($0.asset)" == "BTC" }?.components.surfaceAge != nil)
        #expect(try bus.committed(0) == 60)
        #expect(try bus.committed(1) == 60)
    }
}
