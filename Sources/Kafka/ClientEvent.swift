/// Something that librdkafka reports outside of any call.
public enum ClientEvent: Sendable {
    /// Brokers unreachable, authentication refused, a topic missing, a fatal state: librdkafka
    /// keeps trying unless ``KafkaError/isFatal``.
    case failure(KafkaError)
    /// librdkafka's statistics as JSON, each `statistics.interval.ms`.
    case statistics(String)
    /// How a commit made with ``Consumer/commitLater(_:)`` ended; nil is success.
    case committed([CommittedOffset], KafkaError?)
    /// A message that was not delivered; it may be lost.
    case undelivered(TopicPartition, tag: Int, KafkaError)
}

/// A line librdkafka logs, secrets masked.
public struct LogLine: Sendable {
    /// syslog's: 0 emergency … 3 error, 4 warning, 6 information, 7 debug.
    public let level: Int
    /// librdkafka's short name of the part that speaks, for example `FAIL`.
    public let facility: String
    public let text: String
}

/// Takes librdkafka's log lines. It is called on librdkafka's own threads, and must be quick.
public typealias LogHandler = @Sendable (LogLine) -> Void

/// How closing a client ended.
public enum Shutdown: Sendable, Equatable {
    /// All was handed over, and every thread and object is gone.
    case clean
    /// The client is gone, but not all could be done in time: what was left, as a sentence.
    case incomplete(String)
}
