import CRdKafka

/// A producer: plain, idempotent or transactional by its configuration.
///
/// **One thread makes it, uses it and closes it**, and delivery reports are counted on that thread
/// inside ``poll(upTo:)`` and ``flush(within:)``. That is why it is not `Sendable`.
///
/// An idempotent producer of librdkafka 2.0.2 turns fatal when a time-out leaves it unknown whether
/// a message was written: see ``fatalError``. Close it, make another and send again what counts.
public final class Producer: LogProducer {
    let handle: ClientHandle
    private let bootstrapServers: String
    private var topicPointers: [OpaquePointer] = []
    private var topicNames: [String: Int] = [:]
    /// nil when it is not transactional.
    public let transactionalId: String?
    /// Whether a transaction was begun and neither committed nor aborted.
    public internal(set) var isInTransaction = false

    /// A topic of one producer, to produce to without looking up its name.
    public struct Topic: Sendable, Hashable {
        /// In the order in which the producer was asked for its topics, from 0.
        public let index: Int

        public init(index: Int) {
            self.index = index
        }
    }

    /// Whether the producer took a message.
    public enum Admission: Sendable {
        case queued
        /// `queue.buffering.max.messages` or `.kbytes` is reached: poll, and produce it again.
        case queueFull
    }

    /// - Parameters:
    ///   - configuration: see
    ///     ``ClientConfiguration/producer(bootstrapServers:transactionalId:properties:)``.
    ///   - deliveryTags: tags are 0..<deliveryTags; > 0.
    ///   - log: called on librdkafka's threads.
    /// - Throws: when a property is refused.
    public init(
        _ configuration: ClientConfiguration, deliveryTags: Int = 1, log: LogHandler? = nil
    ) throws(KafkaError) {
        precondition(deliveryTags > 0, "a producer has at least one delivery tag")
        bootstrapServers = configuration.bootstrapServers
        transactionalId = configuration.properties["transactional.id"]
        let context = ClientContext(
            configuration: configuration, purpose: "reach \(configuration.bootstrapServers)",
            deliveryTags: deliveryTags, log: log)
        handle = try ClientHandle(
            type: RD_KAFKA_PRODUCER, configuration: configuration, context: context
        ) { rd_kafka_conf_set_dr_msg_cb($0, deliveryCallback) }
    }

    /// Closes it within 5 seconds, unless it is closed already.
    deinit { close(within: .seconds(5)) }

    /// The topic's handle; the same each time.
    public func topic(_ name: String) throws(KafkaError) -> Topic {
        if let index = topicNames[name] { return Topic(index: index) }
        let client = try handle.open("use topic \(name)")
        guard let pointer = rd_kafka_topic_new(client, name, nil) else {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: "use topic \(name)")
        }
        topicPointers.append(pointer)
        topicNames[name] = topicPointers.count - 1
        return Topic(index: topicPointers.count - 1)
    }

    /// Hands a message to the producer's queue; its bytes are copied. Never waits.
    ///
    /// - Parameters:
    ///   - partition: nil lets the partitioner choose by key.
    ///   - key: nil for none.
    ///   - value: nil for a tombstone.
    ///   - timestampMilliseconds: since 1970, > 0; nil for now.
    ///   - tag: 0..<deliveryTags, under which its delivery is counted.
    /// - Throws: for a message that cannot be sent: too large, no such partition, no transaction
    ///   begun, a fatal state.
    @discardableResult
    public func produce(
        to topic: Topic, partition: Int32? = nil, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, timestampMilliseconds: Int64? = nil,
        headers: [Header] = [], tag: Int = 0
    ) throws(KafkaError) -> Admission {
        let client = try handle.open("produce")
        let list = headers.isEmpty ? nil : try makeHeaders(headers)
        // A tag of 0 is sent as 1, because librdkafka knows no difference between 0 and none.
        let opaque = UnsafeMutableRawPointer(bitPattern: tag + 1)
        var text = ErrorText()
        handle.context.deliveries[tag].accepted += 1
        let code = text.fillIfFailed { buffer, size in
            crdkafka_produce(
                client, topicPointers[topic.index], partition ?? -1, Self.start(of: key),
                key?.count ?? 0, Self.start(of: value), value?.count ?? 0,
                timestampMilliseconds ?? 0, opaque, list, buffer, size)
        }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return .queued }
        handle.context.deliveries[tag].accepted -= 1
        if let list { rd_kafka_headers_destroy(list) }
        if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return .queueFull }
        throw produceError(code, topic, text.string)
    }

    /// Where bytes start, never null for bytes that are empty.
    private static func start(of bytes: UnsafeRawBufferPointer?) -> UnsafeRawPointer? {
        guard let bytes else { return nil }
        return bytes.baseAddress ?? crdkafka_empty()
    }

    private func produceError(
        _ code: rd_kafka_resp_err_t, _ topic: Topic, _ text: String
    ) -> KafkaError {
        let name = topicNames.first { $0.value == topic.index }?.key ?? "?"
        return KafkaError(
            code: code.rawValue, operation: "produce to \(name)",
            reason: handle.context.mask.masked(text))
    }

    private func makeHeaders(_ headers: [Header]) throws(KafkaError) -> OpaquePointer {
        guard let list = rd_kafka_headers_new(headers.count) else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: "add headers")
        }
        for header in headers {
            let code: rd_kafka_resp_err_t
            if let value = header.value {
                code = value.withUnsafeBytes { bytes in
                    rd_kafka_header_add(
                        list, header.name, -1, Self.start(of: bytes), bytes.count)
                }
            } else {
                code = rd_kafka_header_add(list, header.name, -1, nil, 0)
            }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_headers_destroy(list)
                throw KafkaError(code: code.rawValue, operation: "add header \(header.name)")
            }
        }
        return list
    }

    // MARK: Deliveries

    /// Counts delivery reports and collects events.
    ///
    /// - Returns: how many reports and events were served.
    @discardableResult
    public func poll(upTo limit: Duration = .zero) -> Int {
        guard let client = handle.pointer else { return 0 }
        return Int(rd_kafka_poll(client, limit.milliseconds))
    }

    public func deliveries(tag: Int = 0) -> Deliveries { handle.context.deliveries[tag] }

    /// Counts this tag from zero. Call it when nothing of the tag is on its way.
    public func resetDeliveries(tag: Int = 0) {
        handle.context.deliveries[tag] = Deliveries()
    }

    /// What librdkafka reported since the last call, undelivered messages included, oldest first.
    /// At most 1024 events are kept; later ones are dropped.
    public func takeEvents() -> [ClientEvent] { handle.context.takeEvents() }

    /// Events that were dropped because nobody took them.
    public var droppedEvents: Int { handle.context.droppedEvents }

    /// Messages and reports that are still waiting, in all.
    public var outstanding: Int { handle.pointer.map { Int(rd_kafka_outq_len($0)) } ?? 0 }

    /// Why this producer can do no more, if so.
    public var fatalError: KafkaError? {
        guard let client = handle.pointer else { return nil }
        var text = ErrorText()
        let code = text.fill { rd_kafka_fatal_error(client, $0, $1) }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return KafkaError(
            code: code.rawValue, operation: "go on with this producer",
            reason: handle.context.mask.masked(text.string), isFatal: true)
    }

    /// Sends all without lingering and waits for the delivery reports.
    ///
    /// - Returns: what is still waiting when the time passed; 0 when all is reported.
    @discardableResult
    public func flush(within limit: Duration) throws(KafkaError) -> Int {
        let client = try handle.open("flush")
        let code = rd_kafka_flush(client, limit.milliseconds)
        if code != RD_KAFKA_RESP_ERR__TIMED_OUT { try KafkaError.check(code, "flush") }
        return Int(rd_kafka_outq_len(client))
    }

    /// Drops all messages that are waiting or on their way; their deliveries count as purged.
    public func purge() throws(KafkaError) {
        let client = try handle.open("purge")
        try KafkaError.check(
            rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT), "purge")
        rd_kafka_poll(client, 0)
    }

    // MARK: Closing

    /// Sends what is waiting, aborts an open transaction, and frees everything. Never hangs.
    ///
    /// - Parameter limit: for all of it; half goes to sending or aborting.
    @discardableResult
    public func close(within limit: Duration = .seconds(8)) -> Shutdown {
        guard let client = handle.pointer else { return .clean }
        let start = ContinuousClock.now
        var left: [String] = []
        if isInTransaction {
            isInTransaction = false
            if let error = rd_kafka_abort_transaction(client, (limit / 2).milliseconds) {
                rd_kafka_error_destroy(error)
                left.append("an open transaction, which the broker aborts after its time-out")
            }
        } else {
            rd_kafka_flush(client, (limit / 2).milliseconds)
        }
        let unsent = rd_kafka_outq_len(client)
        if unsent > 0 {
            left.append("\(unsent) messages undelivered")
            rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            rd_kafka_flush(client, 100)
        }
        for pointer in topicPointers { rd_kafka_topic_destroy(pointer) }
        topicPointers = []
        topicNames = [:]
        let rest = max(.seconds(1), limit - (ContinuousClock.now - start))
        if !handle.destroy(within: rest) {
            left.append("librdkafka's threads for \(bootstrapServers)")
        }
        return left.isEmpty ? .clean : .incomplete(left.joined(separator: "; "))
    }
}

private func deliveryCallback(
    client: OpaquePointer?, message: UnsafePointer<rd_kafka_message_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let context = ClientContext.from(opaque), let message = message?.pointee else { return }
    let tag = Int(bitPattern: message._private) - 1
    guard tag >= 0, tag < context.deliveries.count else { return }
    switch message.err {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        context.deliveries[tag].delivered += 1
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
        context.deliveries[tag].purged += 1
    default:
        context.deliveries[tag].failed += 1
        context.deliveries[tag].lastFailureCode = message.err.rawValue
        let partition = TopicPartition(
            String(cString: rd_kafka_topic_name(message.rkt)), message.partition)
        context.report(
            .undelivered(
                partition, tag: tag,
                KafkaError(
                    code: message.err.rawValue, operation: "deliver a message to \(partition)")))
    }
}
