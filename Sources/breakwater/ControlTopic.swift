import Foundation
import Haircuts
import Kafka
import Messages
import Operations
import Quantities

/// The topic of the controls, as far as a command reads and writes it.
struct ControlTopic {
    /// The newest record of one key.
    enum Entry {
        case control(Control)
        /// Haircut workers refuse it too, for this reason.
        case refused(String)
    }

    let name: String
    private let bootstrapServers: String
    private let groupId: String
    private let properties: [String: String]

    /// - Throws: when a file with a secret cannot be read.
    init(_ settings: Settings) throws {
        name = settings.topics.controls
        bootstrapServers = settings.kafka.bootstrapServers
        groupId = settings.kafka.groupId + "-control"
        properties = try settings.clientProperties()
    }

    /// Reads the topic to its end.
    ///
    /// - Returns: what stands under each key, withdrawn ones left out.
    func entries(within limit: Duration = .seconds(20)) throws -> [String: Entry] {
        let end = ContinuousClock.now + limit
        let consumer = try Consumer(
            .consumer(bootstrapServers: bootstrapServers, groupId: groupId, properties: properties))
        defer { consumer.close(within: .seconds(1)) }
        let admin = try Admin(
            ClientConfiguration(bootstrapServers: bootstrapServers, properties: properties))
        defer { admin.close(within: .seconds(1)) }
        guard let topic = try admin.describeCluster(within: .seconds(10)).topics[name] else {
            throw CommandFailure("topic \(name) does not exist: breakwater topics create makes it")
        }
        var left: [TopicPartition: Int64] = [:]
        for number in 0..<Int32(clamping: topic.partitionCount) {
            let (low, high) = try consumer.watermarks(of: TopicPartition(name, number))
            if high > low { left[TopicPartition(name, number)] = high }
        }
        try consumer.assign(left.keys.sorted().map { TopicPartitionOffset($0, .beginning) })
        let batch = consumer.makeBatch(capacity: 200)
        var entries: [String: Entry] = [:]
        while !left.isEmpty {
            guard ContinuousClock.now < end else {
                throw CommandFailure("topic \(name) was not read to its end within \(limit)")
            }
            consumer.wait(upTo: .milliseconds(50))
            consumer.poll()
            for queue in consumer.queues {
                while queue.drain(into: batch) > 0 {
                    for index in 0..<batch.count { take(batch[index], into: &entries) }
                    if let last = left[queue.topicPartition],
                        batch[batch.count - 1].offset >= last - 1
                    {
                        left[queue.topicPartition] = nil
                    }
                }
                // What a compacted partition ends with may be no record at all.
                if batch.endOffset != nil { left[queue.topicPartition] = nil }
                if let failure = batch.failures.first { throw failure.error }
            }
        }
        return entries
    }

    private func take(_ record: Record, into entries: inout [String: Entry]) {
        guard let key = record.key else { return }
        let name = String(decoding: key, as: UTF8.self)
        guard let value = record.value else {
            entries[name] = nil
            return
        }
        var control = Control.blank
        let time = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
        let decoder = ControlDecoder()
        do throws(Refusal) {
            try decoder.decode(value, key: key, recordTimestamp: time, into: &control)
            entries[name] = .control(control)
        } catch {
            entries[name] = .refused(error.description)
        }
    }

    /// Sends one record and waits until the brokers have it.
    ///
    /// - Parameters:
    ///   - body: nil is a tombstone.
    ///   - time: of the record.
    func send(key: String, body: String?, at time: Instant) throws {
        let producer = try Producer(
            .producer(bootstrapServers: bootstrapServers, properties: properties))
        defer { producer.close(within: .seconds(1)) }
        let topic = try producer.topic(name)
        let headers = body == nil ? [] : [Header("schema", "control.v1")]
        let key = Array(key.utf8)
        let body = body.map { Array($0.utf8) }
        let admission = try key.withUnsafeBytes { key in
            if let body {
                return try body.withUnsafeBytes {
                    try producer.produce(
                        to: topic, partition: nil, key: key, value: $0,
                        timestampMilliseconds: time.milliseconds, headers: headers)
                }
            }
            return try producer.produce(
                to: topic, partition: nil, key: key, value: nil,
                timestampMilliseconds: time.milliseconds, headers: headers)
        }
        let left = try producer.flush(within: .seconds(15))
        let deliveries = producer.deliveries()
        guard admission == .queued, left == 0, deliveries.failed == 0 else {
            throw CommandFailure(
                "not confirmed by the brokers: look at breakwater control list before trying again")
        }
    }
}

extension Control {
    /// `BTC|override`, the record's key.
    var recordKey: String {
        var buffer = OutputBuffer()
        buffer.append(key)
        return buffer.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The record's body.
    var recordBody: String {
        var buffer = OutputBuffer()
        buffer.write(self)
        return buffer.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
