import Foundation
import Haircuts
import Kafka
import Logging
import Messages
import Operations
import Quantities
import Synchronization

/// Reads the newest haircut tables off the bus for the operator's page and the metrics, as any
/// other consumer would, from a thread of its own. What it cannot read stops nothing.
final class BoardReader: Sendable {
    private let settings: Settings
    private let properties: [String: String]
    private let board: MarketBoard
    private let log: RateLimitedLog
    private let isStopping = Atomic(false)
    private let running = DispatchGroup()

    /// Records of each partition read back at the start: the topic is compacted, and each live
    /// asset's table is published every second.
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
        var decoder = HaircutDecoder()
        var table = HaircutTable.blank
        while !isStopping.load(ordering: .acquiring) {
            consumer.wait(upTo: .milliseconds(100))
            consumer.poll()
            _ = consumer.takeEvents()
            for queue in consumer.queues {
                while queue.drain(into: batch) > 0 {
                    for index in 0..<batch.count { take(batch[index], &decoder, &table) }
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
        let topic = settings.topics.haircuts
        let admin = try Admin(
            ClientConfiguration(
                bootstrapServers: settings.kafka.bootstrapServers, properties: properties))
        defer { admin.close(within: .milliseconds(500)) }
        let cluster = try admin.describeCluster(within: .seconds(2))
        var starts: [TopicPartitionOffset] = []
        for partition in 0..<Int32(clamping: cluster.topics[topic]?.partitionCount ?? 0) {
            let place = TopicPartition(topic, partition)
            let (low, high) = try consumer.watermarks(of: place, within: .seconds(2))
            starts.append(
                TopicPartitionOffset(place, .at(max(low, high - Self.recordsReadBack))))
        }
        guard !starts.isEmpty else {
            throw KafkaError(
                code: KafkaError.Code.unknownTopic, operation: "find topic \(topic)")
        }
        return starts
    }

    private func take(
        _ record: Record, _ decoder: inout HaircutDecoder, _ table: inout HaircutTable
    ) {
        guard let value = record.value, let key = record.key else { return }
        do throws(Refusal) {
            try decoder.decode(value, key: key, recordTimestamp: nil, into: &table)
            board.note(table, text: String(decoding: value, as: UTF8.self))
        } catch {
            board.noteUnreadable()
        }
    }
}
