import Engine
import Foundation
import Kafka
import Logging
import Market
import Messages
import Pipeline
import Quantities
import Synchronization

/// Something that consumes the quotes of a run in this process, on a thread of its own.
protocol Load: AnyObject {
    /// Whether it has its partitions and waits for quotes.
    var isReady: Bool { get }
    /// Quotes done with.
    var processed: Int { get }
    /// Why it cannot go on, if so.
    var failure: String? { get }
    func start()
    /// Waits for what it published, and ends it.
    func stop() throws
    /// Whether, by its own counters, all was as it should be; nil, or a sentence.
    func fault(records: Int) -> String?
    /// Messages it says it published.
    var published: Int { get }
}

/// The least that a consumer of quotes can do, with the same client and settings as the worker.
final class BareLoad: Load {
    enum Work: String, CaseIterable {
        /// Looks at each record and does nothing.
        case consume
        /// Decodes each quote.
        case decode
        /// Publishes the same bytes again.
        case passThrough
    }

    private final class Shared: Sendable {
        let isReady = Atomic(false)
        let isStopping = Atomic(false)
        let processed = Atomic(0)
        let published = Atomic(0)
        let refused = Atomic(0)
        let failure = Mutex<String?>(nil)
        let ended = DispatchSemaphore(value: 0)
    }

    private let work: Work
    private let topics: RunTopics
    private let bootstrapServers: String
    private let shared = Shared()

    init(_ work: Work, topics: RunTopics, bootstrapServers: String) {
        self.work = work
        self.topics = topics
        self.bootstrapServers = bootstrapServers
    }

    var isReady: Bool { shared.isReady.load(ordering: .acquiring) }
    var processed: Int { shared.processed.load(ordering: .acquiring) }
    var published: Int { shared.published.load(ordering: .acquiring) }
    var failure: String? { shared.failure.withLock { $0 } }

    func start() {
        let thread = Thread { [work, topics, bootstrapServers, shared] in
            do {
                try Self.run(work, topics, bootstrapServers, shared)
            } catch {
                shared.failure.withLock { $0 = "\(error)" }
            }
            shared.ended.signal()
        }
        thread.start()
    }

    func stop() throws {
        shared.isStopping.store(true, ordering: .releasing)
        guard shared.ended.wait(timeout: .now() + 20) == .success else {
            throw BenchmarkFailure("the bare loop did not end")
        }
    }

    func fault(records: Int) -> String? {
        let refused = shared.refused.load(ordering: .acquiring)
        if refused > 0 { return "\(refused) quotes were refused" }
        if work == .passThrough, published != records {
            return "\(published) of \(records) quotes were passed through"
        }
        return nil
    }

    private static func run(
        _ work: Work, _ topics: RunTopics, _ bootstrapServers: String, _ shared: Shared
    ) throws(KafkaError) {
        let consumer = try Consumer(
            .consumer(bootstrapServers: bootstrapServers, groupId: topics.quotes))
        defer { consumer.close() }
        let producer = try Producer(.producer(bootstrapServers: bootstrapServers))
        defer { producer.close() }
        let output = try producer.topic(topics.output)
        let batch = consumer.makeBatch(capacity: 1_000)
        try consumer.assign(
            (0..<Int32(RunTopics.partitions)).map {
                TopicPartitionOffset(TopicPartition(topics.quotes, $0), .beginning)
            })
        let decoder = QuoteDecoder()
        var quote = Quote.blank
        var (processed, published, refused) = (0, 0, 0)
        // Ends seen while the topic is empty: from then on the fetches of all partitions run.
        var ready: Set<Int32> = []
        var isBusy = false
        while !shared.isStopping.load(ordering: .acquiring) {
            if !isBusy { consumer.wait(upTo: .milliseconds(20)) }
            consumer.poll()
            producer.poll()
            isBusy = false
            for queue in consumer.queues {
                queue.drain(into: batch)
                for index in 0..<batch.count {
                    let record = batch[index]
                    guard let body = record.value, let key = record.key else { continue }
                    switch work {
                    case .consume: break
                    case .decode:
                        let time = record.timestampMilliseconds.flatMap {
                            Instant(milliseconds: $0)
                        }
                        do throws(Refusal) {
                            try decoder.decode(body, key: key, recordTimestamp: time, into: &quote)
                        } catch { refused += 1 }
                    case .passThrough:
                        while try producer.produce(
                            to: output, partition: record.partition, key: key, value: body,
                            timestampMilliseconds: record.timestampMilliseconds) == .queueFull
                        {
                            producer.poll(upTo: .milliseconds(5))
                        }
                        published += 1
                    }
                    processed += 1
                }
                if batch.count > 0 { isBusy = true }
                if batch.endOffset != nil { ready.insert(queue.topicPartition.partition) }
            }
            shared.published.store(published, ordering: .releasing)
            shared.refused.store(refused, ordering: .releasing)
            shared.processed.store(processed, ordering: .releasing)
            shared.isReady.store(ready.count == RunTopics.partitions, ordering: .releasing)
        }
        try producer.flush(within: .seconds(10))
    }
}

/// The haircut worker itself, one thread, as `breakwater run` has it.
final class WorkerLoad: Load {
    private let service: WorkerService

    init(topics: RunTopics, bootstrapServers: String) {
        service = WorkerService.haircut(
            PipelineConfiguration(
                bootstrapServers: bootstrapServers, groupId: topics.quotes,
                topics: topics.pipeline, clock: .event, delivery: .atLeastOnce,
                assets: SyntheticMarket.configurations,
                margin: MarginConfiguration(valuationCurrency: .unnamed)),
            workers: 1, log: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    var isReady: Bool {
        let counters = service.counters
        return counters.serving.count == RunTopics.partitions
            && counters.caughtUp == RunTopics.partitions
            && counters.surfaces == SyntheticMarket.assets.count
    }
    var processed: Int { service.counters.quotes }
    var published: Int { service.counters.published }
    var failure: String? { service.failures.first.map { "\($0)" } }

    func start() { service.start() }

    func stop() throws {
        service.stop()
        guard service.wait(upTo: .seconds(20)) else {
            throw BenchmarkFailure("the worker did not end")
        }
    }

    func fault(records: Int) -> String? {
        let counters = service.counters
        guard counters.quotes == records, counters.refused == 0, counters.duplicates == 0,
            counters.unlisted == 0, counters.sequenceResets == 0, counters.published > 0
        else {
            return "the worker counted \(counters.quotes) quotes, \(counters.refused) refused, "
                + "\(counters.duplicates) duplicates, \(counters.published) published"
        }
        return nil
    }
}
