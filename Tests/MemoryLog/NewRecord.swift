import Kafka

/// A record to append.
public struct NewRecord: Sendable {
    /// nil for none, which compacted topics refuse.
    public var key: [UInt8]?
    /// nil is a tombstone.
    public var value: [UInt8]?
    /// Milliseconds since 1970.
    public var timestamp: Int64
    public var headers: [Header]

    public init(
        key: [UInt8]?, value: [UInt8]?, timestamp: Int64, headers: [Header] = []
    ) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }
}

extension StoredRecord {
    convenience init(_ record: NewRecord, partition: Int32, offset: Int64) {
        self.init(
            partition: partition, offset: offset, timestampMilliseconds: record.timestamp,
            key: record.key, value: record.value, headers: record.headers)
    }

    /// The key as text; nil where there is none.
    public var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }

    /// The value as text; nil for a tombstone.
    public var valueText: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}
