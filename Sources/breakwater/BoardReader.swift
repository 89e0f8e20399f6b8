import Foundation
import Haircuts
import Kafka
import Logging
import Messages
import Operations
import Quantities
import Synchronization

/// Reads the newest haircut tables and breaker changes off the bus for the operator's page, as any
/// other consumer would, from a thread of its own. What it cannot read stops nothing.
final class BoardReader: Sendable {
    private let settings: Settings
    private let properties: [String: String]
    private let board: MarketBoard
    private let log: RateLimitedLog
    private let isStopping = Atomic(false)
    private let running = DispatchGroup()

    /// Records of each partition read back at the start: the topic is compacted, and each live
    /// asset's table is published every second. Of older breaker changes the last may be missing.
    private static let recordsReadBack: Int64 = 2_000

    /// - Throws: when a file with a secret cannot be read.
    init(_ settings: Settings, board: MarketBoard, log: Logger) throws {
        self.settings = settings
        properties = try settings.clientProperties()
        self.board = board
        self.log = RateLimitedLog(log)
    }

    /// Starts the thread. Call it once.
    func start() {
        running.enter()
        let thread = Thread { [self] in
            while !isStopping.load(ordering: .acquiring) {
                do throws(KafkaError) {
                    try read()
                } catch {
                    log.log(.warning, key: "board", "the operator's page is not fed: \(error)")
                    Thread.sleep(forTimeInterval: 1)
                }
            }
            running.leave()
        }
        thread.name = "board-reader"
        thread.start()
    }

    func stop() { isStopping.store(true, ordering: .releasing) }

    /// Waits for the end of the thread.
    func wait(upTo seconds: Double) { _ = running.wait(timeout: .now() + seconds) }

    /// Reads until it is stopped.
    ///
    /// - Throws: when a partition cannot be read on, after which all begins anew.
    private func read() throws(KafkaError) {
        let consumer = try Consumer(
            .consumer(
                bootstrapServers: settings.kafka.bootstrapServers,
                groupId: settings.kafka.groupId + "-board", properties: quiet(properties)))
        defer { consumer.close(within: .seconds(1)) }
        try consumer.assign(try starts(consumer))
        let batch = consumer.makeBatch(capacity: 200)
        var messages = Decoded()
        while !isStopping.load(ordering: .acquiring) {
            consumer.wait(upTo: .milliseconds(100))
            consumer.poll()
            _ = consumer.takeEvents()
            for queue in consumer.queues {
                while queue.drain(into: batch) > 0 {
                    let isBreaker = queue.topicPartition.topic == settings.topics.breakers
                    for index in 0..<batch.count {
                        take(batch[index], isBreaker: isBreaker, &messages)
                    }
                }
                if let failure = batch.failures.first { throw failure.error }
            }
            batch.release()
        }
    }

    /// Little memory for what is only looked at.
    private func quiet(_ properties: [String: String]) -> [String: String] {
        properties.merging(["queued.max.messages.kbytes": "4096"]) { given, _ in given }
    }

    /// The end of each partition, less what is read back.
    private func starts(_ consumer: Consumer) throws(KafkaError) -> [TopicPartitionOffset] {
        let admin = try Admin(
            ClientConfiguration(
                bootstrapServers: settings.kafka.bootstrapServers, properties: properties))
        defer { admin.close(within: .milliseconds(500)) }
        let cluster = try admin.describeCluster(within: .seconds(2))
        var starts: [TopicPartitionOffset] = []
        for topic in [settings.topics.haircuts, settings.topics.breakers] {
            let count = cluster.topics[topic]?.partitionCount ?? 0
            guard count > 0 else {
                throw KafkaError(
                    code: KafkaError.Code.unknownTopic, operation: "find topic \(topic)")
            }
            for partition in 0..<Int32(clamping: count) {
                let place = TopicPartition(topic, partition)
                let (low, high) = try consumer.watermarks(of: place, within: .seconds(2))
                starts.append(
                    TopicPartitionOffset(place, .at(max(low, high - Self.recordsReadBack))))
            }
        }
        return starts
    }

    /// What is decoded into, again and again.
    private struct Decoded {
        var tableDecoder = HaircutDecoder()
        var table = HaircutTable.blank
        let changeDecoder = BreakerDecoder()
        var change = BreakerChange.blank
    }

    private func take(_ record: Record, isBreaker: Bool, _ messages: inout Decoded) {
        guard let value = record.value, let key = record.key else { return }
        do throws(Refusal) {
            if isBreaker {
                try messages.changeDecoder.decode(
                    value, key: key, recordTimestamp: nil, into: &messages.change)
                board.note(messages.change, text: String(decoding: value, as: UTF8.self))
            } else {
                try messages.tableDecoder.decode(
                    value, key: key, recordTimestamp: nil, into: &messages.table)
                board.note(messages.table, text: String(decoding: value, as: UTF8.self))
            }
        } catch {
            board.noteUnreadable()
        }
    }
}
