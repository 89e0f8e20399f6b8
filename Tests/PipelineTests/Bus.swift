import Engine
import Haircuts
import Kafka
import Logging
import Messages
import Pipeline
import Quantities
import Synchronization
import Testing

/// A broker with the haircut stage's topics, and short ways to feed and read it.
final class Bus {
    static let topics = {
        var topics = PipelineTopics()
        topics.quotes = "quotes"
        topics.surfaces = "surfaces"
        topics.positions = "positions"
        topics.controls = "controls"
        topics.haircuts = "haircuts"
        topics.requirements = "requirements"
        topics.alerts = "alerts"
        topics.breakers = "breakers"
        topics.exposures = "exposures"
        topics.checkpoints = "checkpoints"
        topics.deadLetters = "letters"
        return topics
    }()

    let broker: EmbeddedBroker
    let partitions: Int32
    let producer: Producer
    let log = LogLines()
    private var readers: [String: Reader] = [:]

    init(partitions: Int32 = 2) throws {
        self.partitions = partitions
        broker = try EmbeddedBroker()
        for entry in TopicPlan(Self.topics).entries {
            try broker.create(
                topic: entry.name, partitions: entry.family == .other ? 1 : Int(partitions))
        }
        producer = try Producer(
            .producer(
                bootstrapServers: broker.bootstrapServers,
                properties: ["message.max.bytes": "4000000"]))
    }

    // MARK: Writing

    func send(
        _ value: [UInt8]?, to topic: String = Bus.topics.quotes, key: String?,
        partition: Int32 = 0, time: Instant? = nil, headers: [Header] = []
    ) throws {
        let handle = try producer.topic(topic)
        let key = key.map { Array($0.utf8) }
        while true {
            let admission = try lend(key) { key in
                try lend(value) { value in
                    try producer.produce(
                        to: handle, partition: partition, key: key, value: value,
                        timestampMilliseconds: time?.milliseconds, headers: headers)
                }
            }
            if admission == .queued { return }
            producer.poll(upTo: .milliseconds(10))
        }
    }

    func send(_ message: Message, partition: Int32 = 0, headers: [Header] = []) throws {
        try send(
            Array(message.text.utf8),
            to: message.isSurface ? Self.topics.surfaces : Self.topics.quotes,
            key: message.asset, partition: partition, time: message.time, headers: headers)
    }

    /// Waits until the broker has all that was sent.
    func flush(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try producer.flush(within: .seconds(20)) == 0, sourceLocation: sourceLocation)
        #expect(producer.deliveries().failed == 0, sourceLocation: sourceLocation)
    }

    // MARK: Reading

    /// All records of a topic so far, by partition in the order of their offsets.
    func all(_ topic: String) throws -> [Seen] {
        let reader: Reader
        if let known = readers[topic] {
            reader = known
        } else {
            reader = try Reader(
                broker.bootstrapServers, topic,
                partitions: topic == Self.topics.deadLetters ? 1 : partitions)
            readers[topic] = reader
        }
        reader.read()
        return reader.seen
    }

    func haircuts() throws -> [Seen] { try all(Self.topics.haircuts) }
    func deadLetters() throws -> [Seen] { try all(Self.topics.deadLetters) }

    /// How many records were ever written to a topic, those the broker has dropped included: it
    /// keeps 5 MiB a partition.
    func written(_ topic: String) throws -> Int {
        let consumer = try Consumer(
            .consumer(bootstrapServers: broker.bootstrapServers, groupId: "counter"))
        defer { consumer.close() }
        let count = topic == Self.topics.deadLetters ? 1 : partitions
        let places = (0..<count).map { TopicPartition(topic, $0) }
        return try consumer.watermarks(of: places).values.reduce(0) { $0 + Int($1.high) }
    }

    /// The group's committed offset of a quotes partition; nil without one.
    func committed(_ partition: Int32 = 0) throws -> Int64? {
        let consumer = try Consumer(
            .consumer(bootstrapServers: broker.bootstrapServers, groupId: "test-haircut"))
        defer { consumer.close() }
        return try consumer.committed([TopicPartition(Self.topics.quotes, partition)])
            .first?.offset
    }

    // MARK: The stage

    func configuration(
        clock: PipelineClock = .event, assets: [String] = Bus.assets,
        properties: [String: String] = [:]
    ) -> PipelineConfiguration {
        PipelineConfiguration(
            bootstrapServers: broker.bootstrapServers, groupId: "test",
            clientProperties: properties, topics: Self.topics, clock: clock, delivery: .atLeastOnce,
            assets: assets.compactMap(Bus.asset), margin: Self.margin)
    }

    static let assets = ["BTC", "ETH"]
    static let margin = MarginConfiguration(valuationCurrency: Identifier("USD") ?? .unnamed)

    static func asset(_ name: String) -> AssetConfiguration? {
        guard let asset = Identifier(name), let venue = Identifier("house") else { return nil }
        return AssetConfiguration(
            asset: asset, assetClass: .major, primaryVenue: venue,
            dailyVolume: FixedDecimal(20_000),
            depthReference: FixedDecimal(40_000_000), systemCollateral: FixedDecimal(500_000_000),
            parameters: HaircutParameters(.major),
            parametersHash: "sha256:" + String(repeating: "0", count: 64))
    }

    /// A service that has started.
    func serve(
        workers: Int = 1, clock: PipelineClock = .event, properties: [String: String] = [:]
    ) -> WorkerService {
        let service = WorkerService.haircut(
            configuration(clock: clock, properties: properties), workers: workers,
            log: log.logger)
        service.start()
        return service
    }

    /// Stops a service, which has to end within the time.
    func stop(
        _ service: WorkerService, within limit: Duration = .seconds(10),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        service.stop()
        #expect(service.wait(upTo: limit), "still running", sourceLocation: sourceLocation)
    }
}

/// A record read, copied.
struct Seen: Hashable {
    var partition: Int32
    var offset: Int64
    var key: String?
    var value: [UInt8]?
    var headers: [Header]
    var time: Instant?

    func header(_ name: String) -> String? {
        headers.last { $0.name == name }.flatMap { $0.value }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    var text: String { String(decoding: value ?? [], as: UTF8.self) }

    /// The haircut table it carries.
    func table() throws -> HaircutTable {
        var decoder = HaircutDecoder()
        var table = HaircutTable.blank
        try (value ?? []).withUnsafeBytes { value in
            try Array((key ?? "").utf8).withUnsafeBytes { key in
                try decoder.decode(value, key: key, recordTimestamp: time, into: &table)
            }
        }
        return table
    }
}

/// Reads a topic from its beginning.
final class Reader {
    private let consumer: Consumer
    private let batch: RecordBatch
    private(set) var seen: [Seen] = []

    init(_ bootstrapServers: String, _ topic: String, partitions: Int32) throws {
        consumer = try Consumer(
            .consumer(
                bootstrapServers: bootstrapServers, groupId: "reader",
                properties: ["auto.offset.reset": "earliest"]))
        batch = consumer.makeBatch(capacity: 1_000)
        try consumer.assign(
            (0..<partitions).map { TopicPartitionOffset(TopicPartition(topic, $0), .beginning) })
    }

    func read() {
        consumer.poll()
        for queue in consumer.queues {
            while queue.drain(into: batch) > 0 {
                for index in 0..<batch.count {
                    let record = batch[index]
                    seen.append(
                        Seen(
                            partition: record.partition, offset: record.offset,
                            key: record.key.map { String(decoding: $0, as: UTF8.self) },
                            value: record.value.map { Array($0) }, headers: record.headers,
                            time: record.timestampMilliseconds.flatMap {
                                Instant(milliseconds: $0)
                            }))
                }
            }
        }
    }
}

/// What the stage logged, from all its threads.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: Logging.LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(lines: LogLines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.level) \(event.message)") }
        }
    }
}

/// Waits until something is so, or fails when the time passes first.
func wait(
    upTo limit: Duration = .seconds(60), for what: String,
    sourceLocation: SourceLocation = #_sourceLocation, until isSo: () throws -> Bool
) throws {
    let end = ContinuousClock.now + limit
    while try !isSo() {
        guard ContinuousClock.now < end else {
            Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
            throw NotInTime()
        }
        pause(.milliseconds(20))
    }
}

/// Ends a test that would only wait in vain from here on.
struct NotInTime: Error {}

private func lend<Result>(
    _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Result
) rethrows -> Result {
    guard let bytes else { return try body(nil) }
    return try bytes.withUnsafeBytes { try body($0) }
}
