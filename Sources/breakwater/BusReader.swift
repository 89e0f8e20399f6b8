import Foundation
import Kafka
import Operations

/// A consumer that only looks: it takes part in no group and commits nothing.
///
/// One thread makes it and reads with it.
final class BusReader {
    private let consumer: Consumer
    private let configuration: ClientConfiguration
    private let batch: RecordBatch
    /// Partitions whose end was not reached yet.
    private var unread: Set<TopicPartition> = []
    private var hasBegun = false

    /// Records of each partition read back where not all are wanted.
    private static let recordsReadBack: Int64 = 2_000

    /// - Parameters:
    ///   - name: what looks, for the broker's logs.
    ///   - properties: defaults that the configuration's own go before.
    /// - Throws: when a property is refused, or a file with a secret cannot be read.
    init(_ settings: Settings, as name: String, properties: [String: String] = [:]) throws {
        configuration = .consumer(
            bootstrapServers: settings.kafka.bootstrapServers,
            groupId: settings.kafka.groupId + "-" + name,
            properties: properties.merging(try settings.clientProperties()) { $1 })
        consumer = try Consumer(configuration)
        batch = consumer.makeBatch(capacity: 500)
    }

    deinit { consumer.close(within: .seconds(1)) }

    /// Finds the topics' partitions and begins to read them.
    ///
    /// - Parameters:
    ///   - whole: topics read from their oldest record.
    ///   - recent: topics of which the last records of each partition suffice.
    /// - Throws: when a topic does not exist or the brokers do not answer within 2 s.
    func begin(whole: [String] = [], recent: [String] = []) throws(KafkaError) {
        let limit = Duration.seconds(2)
        let admin = try Admin(configuration)
        defer { admin.close(within: .milliseconds(500)) }
        let topics = try admin.describeCluster(within: limit).topics
        func places(_ names: [String]) throws(KafkaError) -> [TopicPartition] {
            var places: [TopicPartition] = []
            for name in names {
                let count = topics[name]?.partitionCount ?? 0
                guard count > 0 else {
                    throw KafkaError(
                        code: KafkaError.Code.unknownTopic, operation: "find topic \(name)",
                        reason: "it does not exist")
                }
                places += (0..<Int32(clamping: count)).map { TopicPartition(name, $0) }
            }
            return places
        }
        let all = try places(whole)
        let last = try consumer.watermarks(of: places(recent), within: limit)
        let starts =
            all.map { TopicPartitionOffset($0, .beginning) }
            + last.map { place, marks in
                TopicPartitionOffset(place, .at(max(marks.low, marks.high - Self.recordsReadBack)))
            }
        try consumer.assign(starts, within: limit)
        unread = Set(starts.map(\.topicPartition))
        hasBegun = true
    }

    /// The same, tried again while the brokers cannot be reached; an interruption ends it.
    func begin(
        whole: [String] = [], recent: [String] = [], until end: ContinuousClock.Instant
    ) throws(KafkaError) {
        while !Interruption.shared.isRequested {
            do throws(KafkaError) {
                return try begin(whole: whole, recent: recent)
            } catch {
                guard error.isRetriable, ContinuousClock.now < end else { throw error }
            }
        }
    }

    /// Whether each partition was read to its end once.
    var hasReachedEnds: Bool { hasBegun && unread.isEmpty }

    /// Takes what has come in.
    ///
    /// - Parameters:
    ///   - wait: for something, if there is nothing.
    ///   - take: gets each record with its topic; the record lives for the call.
    /// - Throws: when a partition cannot be read on.
    func read(upTo wait: Duration = .zero, _ take: (Record, String) -> Void) throws(KafkaError) {
        if wait > .zero { consumer.wait(upTo: wait) }
        consumer.poll()
        _ = consumer.takeEvents()
        for queue in consumer.queues {
            var count: Int
            repeat {
                count = queue.drain(into: batch)
                for index in 0..<count { take(batch[index], queue.topicPartition.topic) }
                if let failure = batch.failures.first { throw failure.error }
                if batch.endOffset != nil { unread.remove(queue.topicPartition) }
            } while count > 0
        }
        batch.release()
    }

    /// Reads until each partition was at its end once, or an interruption.
    ///
    /// - Parameters:
    ///   - what: is read, for the message.
    ///   - take: as in ``read(upTo:_:)``.
    /// - Throws: when it takes too long, or a partition cannot be read on.
    func readToEnds(
        of what: String, until end: ContinuousClock.Instant, _ take: (Record, String) -> Void
    ) throws {
        while !hasReachedEnds, !Interruption.shared.isRequested {
            guard ContinuousClock.now < end else {
                throw CommandFailure("the end of \(what) was not reached in time")
            }
            try read(upTo: .milliseconds(50), take)
        }
    }
}
