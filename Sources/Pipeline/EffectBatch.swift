import Kafka
import Messages
import Quantities

/// The topics workers write to.
enum OutputTopic: Int, CaseIterable {
    case haircuts, breakers, checkpoints, requirements, alerts, exposures, deadLetters

    func name(in topics: PipelineTopics) -> String {
        switch self {
        case .haircuts: topics.haircuts
        case .breakers: topics.breakers
        case .checkpoints: topics.checkpoints
        case .requirements: topics.requirements
        case .alerts: topics.alerts
        case .exposures: topics.exposures
        case .deadLetters: topics.deadLetters
        }
    }

    /// The headers of each of its records; dead letters bring their own.
    var headers: [Header] { Self.headers[rawValue] }

    private static let headers = allCases.map { topic in
        switch topic {
        case .haircuts: [Header("schema", "haircut.v1")]
        case .breakers: [Header("schema", "breaker.v1")]
        case .checkpoints: [Header("schema", "checkpoint.v1")]
        case .requirements: [Header("schema", "margin-requirement.v1")]
        case .alerts: [Header("schema", "liquidation-alert.v1")]
        case .exposures: [Header("schema", "exposure.v1")]
        case .deadLetters: [Header]()
        }
    }
}

/// What shards said, as the bytes that are to be written, until it is known that they are.
///
/// Used again and again: it grows to the largest batch and allocates nothing from then on.
final class EffectBatch {
    /// One record to write.
    struct Effect {
        var topic: OutputTopic
        /// nil lets the producer choose by key.
        var partition: Int32?
        /// Places in the bytes; nil for none.
        var key: Range<Int>?
        var value: Range<Int>?
        /// `traceparent` of its cause.
        var trace: Range<Int>?
        /// Milliseconds since 1970, > 0; nil for the time of writing.
        var timestamp: Int64?
        /// Of a dead letter, in `letterHeaders`.
        var letter: Int?
    }

    private(set) var effects: [Effect] = []
    private var bytes = OutputBuffer(capacity: 1 << 16)
    private var letterHeaders: [[Header]] = []
    /// Whether it holds something that may not wait: an alert, a breaker change, a tier change.
    var isUrgent = false
    private(set) var hasAlerts = false

    static let traceparent = "traceparent"

    var count: Int { effects.count }
    var byteCount: Int { bytes.count }

    func removeAll() {
        effects.removeAll(keepingCapacity: true)
        bytes.removeAll()
        letterHeaders.removeAll(keepingCapacity: true)
        isUrgent = false
        hasAlerts = false
    }

    /// Adds a record whose key and value are written by the closures.
    ///
    /// - Parameter record: the cause, whose trace is passed on; nil for a timer.
    func append(
        to topic: OutputTopic, partition: Int32?, time: Instant?, cause record: Record?,
        key writeKey: (inout OutputBuffer) -> Void, value writeValue: (inout OutputBuffer) -> Void
    ) {
        if topic == .alerts { hasAlerts = true }
        let start = bytes.count
        writeKey(&bytes)
        let keyEnd = bytes.count
        writeValue(&bytes)
        let valueEnd = bytes.count
        var trace: Range<Int>?
        if let header = record?.header(named: Self.traceparent) {
            bytes.append(header)
            trace = valueEnd..<bytes.count
        }
        let milliseconds = time?.milliseconds ?? 0
        effects.append(
            Effect(
                topic: topic, partition: partition, key: start..<keyEnd, value: keyEnd..<valueEnd,
                trace: trace, timestamp: milliseconds > 0 ? milliseconds : nil, letter: nil))
    }

    /// Adds a dead letter.
    func append(_ letter: DeadLetter, key: UnsafeRawBufferPointer?) {
        let keyRange = key.map { append($0) }
        let value = letter.payload.map { payload in payload.withUnsafeBytes { append($0) } }
        letterHeaders.append(letter.headers.map { Header($0.name, $0.value) })
        effects.append(
            Effect(
                topic: .deadLetters, partition: nil, key: keyRange, value: value, trace: nil,
                timestamp: nil, letter: letterHeaders.count - 1))
    }

    private func append(_ part: UnsafeRawBufferPointer) -> Range<Int> {
        let start = bytes.count
        bytes.append(part)
        return start..<bytes.count
    }

    /// Hands one effect to a producer.
    func produce(
        _ index: Int, by producer: any LogProducer, topics: [Producer.Topic], tag: Int
    ) throws(KafkaError) -> Producer.Admission {
        let effect = effects[index]
        var headers = effect.letter.map { letterHeaders[$0] } ?? effect.topic.headers
        if let trace = effect.trace {
            headers.append(Header(Self.traceparent, bytes.withBytes(trace) { Array($0) }))
        }
        return try bytes.withBytes { (all) throws(KafkaError) -> Producer.Admission in
            func part(_ range: Range<Int>?) -> UnsafeRawBufferPointer? {
                range.map { UnsafeRawBufferPointer(rebasing: all[$0]) }
            }
            return try producer.produce(
                to: topics[effect.topic.rawValue], partition: effect.partition,
                key: part(effect.key), value: part(effect.value),
                timestampMilliseconds: effect.timestamp, headers: headers, tag: tag)
        }
    }

    /// Cuts a dead letter that is too large to be sent: without its own headers and with the first
    /// 64 KiB of its body. A record must not stop the stream.
    ///
    /// - Returns: false when it is not a dead letter or was cut before.
    func shorten(_ index: Int) -> Bool {
        guard let letter = effects[index].letter,
            !letterHeaders[letter].contains(where: { $0.name == DeadLetter.truncatedHeader })
                || letterHeaders[letter].contains(where: { !DeadLetter.isOwn($0.name) })
        else { return false }
        let size = effects[index].value?.count ?? 0
        var headers = letterHeaders[letter].filter { DeadLetter.isOwn($0.name) }
        if !headers.contains(where: { $0.name == DeadLetter.truncatedHeader }) {
            headers.append(Header(DeadLetter.truncatedHeader, "\(size)"))
        }
        letterHeaders[letter] = headers
        effects[index].value = effects[index].value.map { $0.prefix(DeadLetter.keptBytes) }
        if let key = effects[index].key, key.count > DeadLetter.keptBytes {
            effects[index].key = nil
        }
        return true
    }
}

extension DeadLetter {
    /// Says how many bytes a body had that was cut.
    static let truncatedHeader = "breakwater.truncated"

    /// Whether a header is one that dead letters are given here.
    static func isOwn(_ name: String) -> Bool {
        name.hasPrefix("__connect.errors.") || name == truncatedHeader
    }
}

extension Range<Int> {
    fileprivate func prefix(_ count: Int) -> Range<Int> {
        lowerBound..<(lowerBound + Swift.min(self.count, count))
    }
}
