import Engine
import Haircuts
import Kafka
import Messages
import Quantities

/// Publishes what shards say: tables to the partition of their shard, refused records to the dead
/// letters. Encodes into memory that is used again.
final class HaircutOutput: HaircutSink {
    private let producer: any LogProducer
    private let haircuts: Producer.Topic
    private let deadLetters: Producer.Topic
    private var buffer = OutputBuffer()
    private var key = OutputBuffer(capacity: Identifier.longest)

    /// Where the shard that speaks publishes.
    var partition: Int32 = 0
    /// The record being applied, whose trace is passed on; nil for a timer.
    var record: Record?
    /// Deliveries are counted under this tag.
    var tag = 0
    private(set) var published = 0
    /// Why nothing more can be published, if so.
    private(set) var failure: KafkaError?
    /// Asked while the producer's queue is full; false gives up.
    var mayWait: () -> Bool = { true }

    private static let schemaHeaders = [Header("schema", "haircut.v1")]
    private static let traceparent = "traceparent"

    init(producer: any LogProducer, topics: HaircutTopics) throws(KafkaError) {
        self.producer = producer
        haircuts = try producer.topic(topics.haircuts)
        deadLetters = try producer.topic(topics.deadLetters)
    }

    func publish(_ table: borrowing HaircutTable) {
        guard failure == nil else { return }
        buffer.removeAll()
        buffer.write(table)
        key.removeAll()
        key.append(table.asset)
        var headers = Self.schemaHeaders
        if let trace = record?.header(named: Self.traceparent) {
            headers.append(Header(Self.traceparent, Array(trace)))
        }
        let time = table.time.milliseconds
        do throws(KafkaError) {
            try key.withBytes { (key) throws(KafkaError) in
                try buffer.withBytes { (body) throws(KafkaError) in
                    try send(
                        to: haircuts, partition: partition, key: key, value: body,
                        timestamp: time > 0 ? time : nil, headers: headers)
                }
            }
            published += 1
        } catch {
            failure = error
        }
    }

    /// Sends a record that was refused, as it came, with why.
    ///
    /// Its headers and ours can make it larger than the producer may send. Then it goes without
    /// its own headers, cut as a body that is too large: a record must not stop the stream.
    func bury(
        _ record: Record, from source: TopicPartition, stage: DeadLetter.Stage, code: String,
        message: String
    ) {
        guard failure == nil else { return }
        let place = DeadLetter.Source(
            topic: source.topic, partition: source.partition, offset: record.offset)
        let letter = DeadLetter(
            payload: record.value,
            headers: record.headers.map { DeadLetter.Header(name: $0.name, value: $0.value) },
            source: place, stage: stage, code: code, message: message)
        do throws(KafkaError) {
            do throws(KafkaError) {
                try send(letter, key: record.key)
            } catch {
                guard error.code == KafkaError.Code.messageTooLarge else { throw error }
                var short = DeadLetter(
                    payload: record.value.map {
                        UnsafeRawBufferPointer(rebasing: $0.prefix(DeadLetter.keptBytes))
                    },
                    headers: [], source: place, stage: stage, code: code, message: message)
                short.headers.append(
                    DeadLetter.Header(
                        name: "breakwater.truncated",
                        value: Array("\(record.value?.count ?? 0)".utf8)))
                let key = record.key.flatMap { $0.count <= DeadLetter.keptBytes ? $0 : nil }
                try send(short, key: key)
            }
        } catch {
            failure = error
        }
    }

    private func send(
        _ letter: DeadLetter, key: UnsafeRawBufferPointer?
    ) throws(KafkaError) {
        let headers = letter.headers.map { Header($0.name, $0.value) }
        guard let payload = letter.payload else {
            return try send(
                to: deadLetters, partition: nil, key: key, value: nil, timestamp: nil,
                headers: headers)
        }
        // An array lends its bytes to closures that throw any error or none.
        let fault = payload.withUnsafeBytes { bytes -> KafkaError? in
            do throws(KafkaError) {
                try send(
                    to: deadLetters, partition: nil, key: key, value: bytes, timestamp: nil,
                    headers: headers)
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    private func send(
        to topic: Producer.Topic, partition: Int32?, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, timestamp: Int64?, headers: [Header]
    ) throws(KafkaError) {
        while try producer.produce(
            to: topic, partition: partition, key: key, value: value,
            timestampMilliseconds: timestamp, headers: headers, tag: tag) == .queueFull
        {
            // Backpressure: the queue's bound is the memory's bound.
            producer.poll(upTo: .milliseconds(10))
            guard mayWait() else {
                throw KafkaError(
                    code: KafkaError.Code.queueFull, operation: "publish",
                    reason: "the producer's queue stayed full until the worker was stopped")
            }
        }
    }
}
