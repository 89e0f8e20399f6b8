import Foundation
import Haircuts
import Kafka
import Logging
import Pipeline
import Quantities
import Testing

/// The address of a real broker, for what the embedded one cannot do; nil without one.
private let bootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]

/// The haircut stage on Apache Kafka: exactly once, restored, over compacted checkpoints.
@Suite(.serialized, .enabled(if: bootstrap != nil, "skipped: no KAFKA_BOOTSTRAP"))
struct RealBrokerTests {
    private let address = bootstrap ?? ""
    private let prefix = "breakwater-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
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
                var settings = ["cleanup.policy": entry.cleanup.rawValue]
                if entry.cleanup == .compact {
                    // Compacted as soon as the broker's cleaner comes round.
                    settings["segment.ms"] = "1000"
                    settings["min.cleanable.dirty.ratio"] = "0.001"
                    settings["max.compaction.lag.ms"] = "1000"
                }
                return NewTopic(
                    name: entry.name, partitions: 1, replication: 1, configuration: settings)
            })
        #expect(failures.isEmpty)
        producer = try Producer(.producer(bootstrapServers: address))
    }

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

    private func feed(_ numbers: ClosedRange<Int>) throws {
        let topic = try producer.topic(topics.quotes)
        for number in numbers {
            let message = Message.book(
                at: number * 200, sequence: number, mid: 50_000 + Double(number % 50) * 100)
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

    private func step(
        _ worker: any SteppedWorker, upTo limit: Duration = .seconds(60), until what: String,
        _ isSo: () throws -> Bool
    ) throws {
        try wait(upTo: limit, for: what) {
            try worker.step(upTo: .milliseconds(20))
            return try isSo()
        }
    }

    private func tables() throws -> [HaircutTable] {
        let reader = try Reader(address, topics.haircuts, partitions: 1)
        let end = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < end {
            reader.read()
            pause(.milliseconds(50))
        }
        return try reader.seen.map { try $0.table() }
    }

    @Test func aWorkerDroppedInMidStreamIsContinuedWithoutGapOrRepeat() throws {
        var count = 0
        for thread in 0..<3 {
            let worker = try worker(thread)
            try feed(count + 1...count + 60)
            let target = thread < 2 ? 20 : 180 - count
            try step(worker, until: "\(target) quotes") { worker.counters.quotes >= target }
            count += 60
            // The first two are dropped with a batch on its way, as if killed.
            if thread == 2 {
                worker.finish()
                worker.close()
            }
        }
        let sequences = try tables().map(\.sequence)
        #expect(sequences == sequences.indices.map { Int64($0) + 1 })
        #expect(sequences.count >= 180)
    }

    @Test func aCompactedCheckpointsTopicRestoresAll() throws {
        let first = try worker(0)
        try feed(1...2_000)
        try step(first, until: "all quotes") { first.counters.quotes == 2_000 }
        first.finish()
        first.close()
        let before = try tables()
        // The cleaner leaves the newest record of each key.
        let admin = try Consumer(
            .consumer(
                bootstrapServers: address, groupId: prefix + "-reader",
                properties: ["auto.offset.reset": "earliest"]))
        let end = try admin.watermarks(of: TopicPartition(topics.checkpoints, 0)).high
        admin.close()
        try wait(upTo: .seconds(180), for: "the cleaner") {
            let reader = try Reader(address, topics.checkpoints, partitions: 1)
            let deadline = ContinuousClock.now + .seconds(2)
            while ContinuousClock.now < deadline {
                reader.read()
                pause(.milliseconds(50))
            }
            return Int64(reader.seen.count) < end / 2
        }
        try feed(2_001...2_010)
        let second = try worker(1)
        try step(second, until: "the rest") { second.counters.quotes == 10 }
        second.finish()
        second.close()
        let after = try tables()
        #expect(after.count > before.count)
        #expect(after.map(\.sequence) == after.indices.map { Int64($0) + 1 })
    }
}
