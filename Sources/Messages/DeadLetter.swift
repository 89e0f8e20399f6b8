/// A record that was not taken, as it goes to the dead letters: its own bytes and headers, and
/// headers in the conventions of Kafka Connect that say where it came from and why it is here.
public struct DeadLetter: Hashable, Sendable {
    /// One header; a name may come more than once, and a null value is not an empty one.
    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: [UInt8]?

        public init(name: String, value: [UInt8]?) {
            self.name = name
            self.value = value
        }
    }

    /// What was being done with the record.
    public enum Stage: String, Sendable {
        case decode, apply
    }

    /// The place of a record in the log.
    public struct Source: Hashable, Sendable {
        public var topic: String
        public var partition: Int32
        public var offset: Int64

        public init(topic: String, partition: Int32, offset: Int64) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
        }
    }

    /// Bytes kept of a body that is too large.
    public static let keptBytes = 65_536

    /// nil for a tombstone.
    public var payload: [UInt8]?
    /// The record's own, then ours.
    public var headers: [Header]

    /// - Parameters:
    ///   - payload: the record's value, nil for a tombstone. Of one whose body is over 900 000
    ///     bytes the first 64 KiB are kept, and `breakwater.truncated` says how many bytes it had.
    ///   - headers: the record's own.
    ///   - code: the refusal's code, or the kind of a failure to apply.
    ///   - message: a sentence a person can act on.
    public init(
        payload: UnsafeRawBufferPointer?, headers: [Header], source: Source, stage: Stage,
        code: String, message: String
    ) {
        var headers = headers
        func add(_ name: String, _ value: String) {
            headers.append(Header(name: name, value: Array(value.utf8)))
        }
        add("__connect.errors.topic", source.topic)
        add("__connect.errors.partition", "\(source.partition)")
        add("__connect.errors.offset", "\(source.offset)")
        add("__connect.errors.stage", stage.rawValue)
        add("__connect.errors.exception.class.name", code)
        add("__connect.errors.exception.message", message)
        if let payload, payload.count - MessageRules.prefix(of: payload) > MessageRules.largestBody
        {
            self.payload = Array(payload.prefix(Self.keptBytes))
            add("breakwater.truncated", "\(payload.count)")
        } else {
            self.payload = payload.map { Array($0) }
        }
        self.headers = headers
    }

    /// For a record that could not be decoded.
    public init(
        payload: UnsafeRawBufferPointer?, headers: [Header], source: Source, refusal: Refusal
    ) {
        self.init(
            payload: payload, headers: headers, source: source, stage: .decode,
            code: refusal.code.rawValue, message: refusal.description)
    }
}
