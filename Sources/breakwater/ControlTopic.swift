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
    private let settings: Settings

    init(_ settings: Settings) {
        name = settings.topics.controls
        self.settings = settings
    }

    /// Reads the topic to its end.
    ///
    /// - Returns: what stands under each key, withdrawn ones left out.
    func entries(within limit: Duration = .seconds(20)) throws -> [String: Entry] {
        let end = ContinuousClock.now + limit
        let reader = try BusReader(settings, as: "control")
        try reader.begin(whole: [name], until: end)
        var entries: [String: Entry] = [:]
        try reader.readToEnds(of: name, until: end) { record, _ in take(record, into: &entries) }
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
            .producer(
                bootstrapServers: settings.kafka.bootstrapServers,
                properties: try settings.clientProperties()))
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
