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

/// A record of the log. Its bytes lie at one place for as long as it lives, so that readers may
/// be lent pointers to them.
public final class StoredRecord {
    public let offset: Int64
    /// Milliseconds since 1970.
    public let timestamp: Int64
    public let headers: [Header]
    /// nil where the record has no key.
    public let key: UnsafeRawBufferPointer?
    /// nil is a tombstone.
    public let value: UnsafeRawBufferPointer?

    init(_ record: NewRecord, offset: Int64) {
        self.offset = offset
        timestamp = record.timestamp
        headers = record.headers
        key = record.key.map(Self.keep)
        value = record.value.map(Self.keep)
    }

    deinit {
        key?.deallocate()
        value?.deallocate()
    }

    private static func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count), alignment: 16)
        copy.copyBytes(from: bytes)
        // A length of its own: an empty value is not a tombstone.
        return UnsafeRawBufferPointer(rebasing: copy[..<bytes.count])
    }

    /// The key as text; nil where there is none.
    public var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }

    /// The value as text; nil for a tombstone.
    public var valueText: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}
