import Foundation
import Haircuts
import Kafka
import Logging
import Pipeline
import Quantities
import RealBroker
import Testing

/// The haircut stage on Apache Kafka: exactly once, restored, over compacted checkpoints.
@Suite(.serialized, .enabled(if: kafkaBootstrap != nil, "skipped: no KAFKA_BOOTSTRAP"))
final class RealBrokerTests {
    private let address = kafkaBootstrap ?? ""
    private let prefix = uniqueTopicName()
    private let lines = LogLines()
    private let topics: PipelineTopics
    private let producer: Producer

    init() throws {
        var topics = Bus.topics
        for path: WritableKeyPath<PipelineTopics, String> in [
            \.quotes, \.surfaces, \.positions, \.controls, \.haircuts, \.requirements, \.alerts,
            \.breakers, \.exposures, \.checkpoints, \.deadLetters,
        ] {
            topics[keyPath: path] = "\(prefix)-\(topics[keyPath: path])"
        }
        self.topics = topics
        let admin = try Admin(ClientConfiguration(bootstrapServers: address))
        defer { admin.close() }
        let failures = try admin.create(
            TopicPlan(topics).entries.map { entry in
                // The market is of another year: by their times all its records are old.
                var settings = ["cleanup.policy": entry.cleanup.rawValue, "retention.ms": "-1"]
                if entry.key == "checkpoints" {
                    // Compacted as soon as the broker's cleaner comes round. The tables are not,
                    // because each of them is counted.
                    settings["segment.ms"] = "1000"
                    settings["min.cleanable.dirty.ratio"] = "0.001"
                    settings["max.compaction.lag.ms"] = "1000"
                }
                return NewTopic(
                    name: entry.name, partitions: 1, replication: 1, configuration: settings)
            })
        #expect(failures.isEmpty)
        try admin.awaitLeaders(of: TopicPlan(topics).entries.map(\.name))
        producer = try Producer(.producer(bootstrapServers: address))
    }

    deinit { deleteTopics(TopicPlan(topics).entries.map(\.name), at: address) }

    private func worker(_ thread: Int) throws -> any SteppedWorker {
        try makeHaircutWorker(
            PipelineConfiguration(
                bootstrapServers: address, groupId: prefix, topics: topics, clock: .event,
                delivery: .exactlyOnce, assets: Bus.assets.compactMap(Bus.asset),
                margin: Bus.margin),
            name: WorkerName(
                instance: prefix, start: "\(thread)", thread: thread, isStatic: false),
            clients: KafkaClients(), now: { ContinuousClock.now }, control: WorkerControl(),
            log: lines.logger)
    }

    /// The moment of a quote: three years back, because a broker refuses records of the future
    /// and the clock of the machine may be behind this market.
    private func milliseconds(_ number: Int) -> Int { number * 200 - 3 * 365 * 86_400_000 }

    private func feed(_ numbers: ClosedRange<Int>) throws {
        let topic = try producer.topic(topics.quotes)
        for number in numbers {
            let message = Message.book(
                at: milliseconds(number), sequence: number,
                mid: 50_000 + Double(abs(50 - number % 100)) * 100)
            try Array(message.text.utf8).withUnsafeBytes { value in
                try Array(message.asset.utf8).withUnsafeBytes { key in
                    _ = try producer.produce(
                        to: topic, partition: 0, key: key, value: value,
                        timestampMilliseconds: message.time.milliseconds)
                }
            }
        }
        #expect(try producer.flush(within: .seconds(20)) == 0)
    }

    /// Feeds a worker and steps it until committed readers see the table of the last quote.
    ///
    /// The limit leaves time for a predecessor: its session, and its transaction, which the
    /// broker ends up to ten seconds after its time-out of ten.
    private func serve(_ worker: any SteppedWorker, upTo number: Int, seenBy reader: Reader) throws
    {
        try wait(upTo: .seconds(90), for: "the table of quote \(number)") {
            try worker.step(upTo: .milliseconds(20))
            reader.read()
            let time = Message.at(milliseconds(number))
            return try reader.seen.last.map { try $0.table().time == time } ?? false
        }
    }

    /// Checks that sequences are 1, 2, 3, … and that no quote's table is missing.
    private func expectWhole(_ reader: Reader, quotes: Int) throws {
        let tables = try reader.seen.map { try $0.table() }
        #expect(tables.map(\.sequence) == tables.indices.map { Int64($0) + 1 })
        let last = try #require(tables.last)
        #expect(last.time == Message.at(milliseconds(quotes)))
    }

    @Test func aWorkerDroppedInMidStreamIsContinuedWithoutGapOrRepeat() throws {
        let reader = try Reader(address, topics.haircuts, partitions: 1)
        // The first two are dropped with a batch on its way.
        for thread in 0..<2 {
            let dropped = try worker(thread)
            try feed(thread * 60 + 1...thread * 60 + 60)
            try wait(upTo: .seconds(90), for: "20 quotes") {
                try dropped.step(upTo: .milliseconds(20))
                return dropped.counters.quotes >= 20
            }
        }
        let last = try worker(2)
        try feed(121...180)
        try serve(last, upTo: 180, seenBy: reader)
        last.finish()
        last.close()
        try expectWhole(reader, quotes: 180)
    }

    /// How many records of a topic are there now, from the oldest on to its end as it is seen.
    private func count(_ topic: String) throws -> Int {
        let reader = try Reader(address, topic, partitions: 1)
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            reader.read()
            pause(.milliseconds(50))
        }
        return reader.seen.count
    }

    @Test func aCompactedCheckpointsTopicRestoresAll() throws {
        let tables = try Reader(address, topics.haircuts, partitions: 1)
        let checkpoints = try Reader(address, topics.checkpoints, partitions: 1)
        let first = try worker(0)
        var fed = 0
        /// Ten more quotes, two seconds of their market, and at least one more checkpoint.
        func feedTen() throws {
            try feed(fed + 1...fed + 10)
            fed += 10
            try serve(first, upTo: fed, seenBy: tables)
            checkpoints.read()
        }
        for _ in 0..<20 { try feedTen() }
        // Only a later append rolls a segment, and only a rolled one is cleaned; the cleaner comes
        // round every 15 s unless the broker says otherwise.
        try wait(upTo: .seconds(120), for: "the cleaner") {
            pause(.seconds(1))
            try feedTen()
            let left = try count(topics.checkpoints)
            checkpoints.read()
            return left < checkpoints.seen.count / 2
        }
        first.finish()
        first.close()
        let second = try worker(1)
        try feed(fed + 1...fed + 10)
        try serve(second, upTo: fed + 10, seenBy: tables)
        second.finish()
        second.close()
        try expectWhole(tables, quotes: fed + 10)
        #expect(second.counters.quotes == 10, "restored at the end, not from the beginning")
    }
}
