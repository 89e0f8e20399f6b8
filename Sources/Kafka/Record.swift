import CRdKafka

/// A record in a ``RecordBatch``, valid as long as the batch is not released or refilled.
///
/// A view: it owns nothing and costs nothing to copy.
public struct Record {
    public let partition: Int32
    /// >= 0.
    public let offset: Int64
    /// nil where the record has no key.
    public let key: UnsafeRawBufferPointer?
    /// nil is a tombstone, which is not the same as an empty value.
    public let value: UnsafeRawBufferPointer?
    private let origin: Origin

    private enum Origin {
        case librdkafka(UnsafeMutablePointer<rd_kafka_message_t>)
        case memory(Unmanaged<StoredRecord>)
    }

    @inline(__always)
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        partition = message.pointee.partition
        offset = message.pointee.offset
        key = message.pointee.key.map {
            UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)
        }
        value = message.pointee.payload.map {
            UnsafeRawBufferPointer(start: $0, count: message.pointee.len)
        }
        origin = .librdkafka(message)
    }

    init(_ stored: StoredRecord) {
        partition = stored.partition
        offset = stored.offset
        key = stored.key
        value = stored.value
        origin = .memory(.passUnretained(stored))
    }

    /// Who set a record's time.
    public enum TimestampSource: Sendable {
        case producer, broker
    }

    /// Milliseconds since 1970; nil where the record has none.
    public var timestampMilliseconds: Int64? {
        switch origin {
        case .librdkafka(let message):
            let value = rd_kafka_message_timestamp(message, nil)
            return value < 0 ? nil : value
        case .memory(let stored):
            return stored.takeUnretainedValue().timestampMilliseconds
        }
    }

    /// nil where the record has no time.
    public var timestampSource: TimestampSource? {
        switch origin {
        case .librdkafka(let message):
            var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
            _ = rd_kafka_message_timestamp(message, &type)
            return switch type {
            case RD_KAFKA_TIMESTAMP_CREATE_TIME: .producer
            case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: .broker
            default: nil
            }
        case .memory(let stored):
            return stored.takeUnretainedValue().timestampSource
        }
    }

    /// The last header of this name, not copied; nil where there is none or its value is null.
    public func header(named name: String) -> UnsafeRawBufferPointer? {
        switch origin {
        case .librdkafka(let message):
            var list: OpaquePointer?
            var value: UnsafeRawPointer?
            var size = 0
            guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR,
                rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR
            else { return nil }
            return value.map { UnsafeRawBufferPointer(start: $0, count: size) }
        case .memory(let stored):
            return stored.takeUnretainedValue().header(named: name)
        }
    }

    /// A copy of all headers, in order.
    public var headers: [Header] {
        switch origin {
        case .librdkafka(let message): Self.headers(of: message)
        case .memory(let stored): stored.takeUnretainedValue().headers
        }
    }

    private static func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [Header] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list
        else { return [] }
        return (0..<rd_kafka_header_cnt(list)).compactMap { index in
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            guard
                rd_kafka_header_get_all(list, index, &name, &value, &size)
                    == RD_KAFKA_RESP_ERR_NO_ERROR, let name
            else { return nil }
            return Header(
                String(cString: name),
                value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) })
        }
    }
}

/// A record of a log in memory. Its bytes stay where they are for as long as it lives.
public final class StoredRecord {
    public let partition: Int32
    /// >= 0.
    public let offset: Int64
    /// nil where the record has no key.
    public let key: UnsafeRawBufferPointer?
    /// nil is a tombstone.
    public let value: UnsafeRawBufferPointer?
    /// Since 1970; nil where the record has none.
    public let timestampMilliseconds: Int64?
    public let timestampSource: Record.TimestampSource?
    public let headers: [Header]
    private let headerValues: [UnsafeRawBufferPointer?]

    /// Copies the bytes.
    public init(
        partition: Int32, offset: Int64, timestampMilliseconds: Int64?,
        timestampSource: Record.TimestampSource? = .producer, key: [UInt8]?, value: [UInt8]?,
        headers: [Header] = []
    ) {
        self.partition = partition
        self.offset = offset
        self.timestampMilliseconds = timestampMilliseconds
        self.timestampSource = timestampMilliseconds == nil ? nil : timestampSource
        self.key = key.map(Self.copy)
        self.value = value.map(Self.copy)
        self.headers = headers
        headerValues = headers.map { $0.value.map(Self.copy) }
    }

    deinit {
        for bytes in headerValues + [key, value] { bytes?.deallocate() }
    }

    func header(named name: String) -> UnsafeRawBufferPointer? {
        headers.lastIndex { $0.name == name }.flatMap { headerValues[$0] }
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        // Never empty memory, so that an empty value is not taken for none.
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count), alignment: 1)
        memory.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(start: memory.baseAddress, count: bytes.count)
    }
}

/// A header of a record.
public struct Header: Sendable, Hashable {
    public let name: String
    /// nil is a null value, which is not the same as an empty one.
    public let value: [UInt8]?

    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    public init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
}
