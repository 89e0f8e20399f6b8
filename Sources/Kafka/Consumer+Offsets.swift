import CRdKafka

/// Offsets: commit them, ask for them.
extension Consumer {
    /// Commits and waits for the broker's answer. librdkafka's own call waits without a limit.
    ///
    /// - Throws: ``KafkaError/isOwnershipLost`` when the group has moved on; `_TIMED_OUT` when the
    ///   limit passed first: the commit may still be made.
    public func commit(
        _ offsets: [CommittedOffset], within limit: Duration = .seconds(10)
    ) throws(KafkaError) {
        let operation = "commit offsets of group \(groupId)"
        let client = try handle.open(operation)
        let list = try PartitionList(offsets)
        guard let queue = rd_kafka_queue_new(client) else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: operation)
        }
        defer { rd_kafka_queue_destroy(queue) }
        let answer = CommitAnswer()
        // The callback runs only while this queue is polled, so the answer outlives it.
        let opaque = Unmanaged.passUnretained(answer).toOpaque()
        try KafkaError.check(
            rd_kafka_commit_queue(client, list.pointer, queue, answerCallback, opaque), operation)
        let start = ContinuousClock.now
        while answer.code == nil, ContinuousClock.now - start < limit {
            rd_kafka_queue_poll_callback(queue, min(limit, .milliseconds(100)).milliseconds)
        }
        withExtendedLifetime(answer) {}
        try KafkaError.check(answer.code ?? RD_KAFKA_RESP_ERR__TIMED_OUT, operation)
    }

    /// Commits without waiting; ``ClientEvent/committed(_:_:)`` tells how it ended.
    public func commitLater(_ offsets: [CommittedOffset]) throws(KafkaError) {
        let operation = "commit offsets of group \(groupId)"
        let client = try handle.open(operation)
        guard let mainQueue else { throw .closed(operation) }
        let list = try PartitionList(offsets)
        let opaque = Unmanaged.passUnretained(handle.context).toOpaque()
        try KafkaError.check(
            rd_kafka_commit_queue(client, list.pointer, mainQueue, commitCallback, opaque),
            operation)
    }

    /// The group's committed offsets; a partition without one is left out.
    public func committed(
        _ partitions: [TopicPartition], within limit: Duration = .seconds(5)
    ) throws(KafkaError) -> [CommittedOffset] {
        let operation = "read committed offsets of group \(groupId)"
        let client = try handle.open(operation)
        let list = try PartitionList(partitions)
        try KafkaError.check(
            rd_kafka_committed(client, list.pointer, limit.milliseconds), operation)
        try list.checkElements(operation)
        return PartitionList.offsets(of: list.pointer)
    }

    /// The oldest offset there is and the one behind the newest record of each partition, asked of
    /// the brokers together.
    public func watermarks(
        of partitions: [TopicPartition], within limit: Duration = .seconds(5)
    ) throws(KafkaError) -> [TopicPartition: Watermarks] {
        let low = try resolve(.beginning, of: partitions, within: limit)
        let high = try resolve(.end, of: partitions, within: limit)
        return low.reduce(into: [:]) { marks, each in
            marks[each.key] = high[each.key].map { Watermarks(low: each.value, high: $0) }
        }
    }

    /// Asks the leaders of all partitions which offset a logical one is.
    func resolve(
        _ start: StartOffset, of partitions: [TopicPartition], within limit: Duration
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        let operation = "read the offsets of \(partitions.count) partitions"
        let client = try handle.open(operation)
        // A logical offset is also the time by which Kafka's protocol asks for it.
        let list = try PartitionList(partitions.map { TopicPartitionOffset($0, start) })
        try KafkaError.check(
            rd_kafka_offsets_for_times(client, list.pointer, limit.milliseconds), operation)
        try list.checkElements(operation)
        let found = PartitionList.offsets(of: list.pointer)
        // What is not answered in time comes back as it was, without an error.
        guard found.count == partitions.count else {
            throw KafkaError(code: KafkaError.Code.timedOut, operation: operation)
        }
        return Dictionary(
            found.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { $1 })
    }

    /// The offset behind the newest record, as it came with the last fetch; nil before the first.
    /// Asks nobody.
    public func knownEnd(of partition: TopicPartition) -> Int64? {
        guard let client = handle.pointer else { return nil }
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(
            client, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    /// The offset behind the last record drained, for each partition that gave one.
    public func position(of partitions: [TopicPartition]) throws(KafkaError) -> [CommittedOffset] {
        let client = try handle.open("read positions")
        let list = try PartitionList(partitions)
        try KafkaError.check(rd_kafka_position(client, list.pointer), "read positions")
        return PartitionList.offsets(of: list.pointer)
    }

    /// What fences this member's offsets in ``Producer/sendOffsets(_:of:within:)``. It is of the
    /// group's present generation: take it anew after each rebalance.
    public func groupMetadata() throws(KafkaError) -> any GroupMetadata {
        let operation = "read the metadata of group \(groupId)"
        guard let pointer = rd_kafka_consumer_group_metadata(try handle.open(operation)) else {
            throw KafkaError(code: KafkaError.Code.wrongState, operation: operation)
        }
        return ConsumerGroupMetadata(consuming: pointer)
    }
}

/// A consumer's membership: group, generation and member, as transactions need it.
public final class ConsumerGroupMetadata: GroupMetadata {
    let pointer: OpaquePointer

    init(consuming pointer: OpaquePointer) { self.pointer = pointer }

    deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}

private func commitCallback(
    client: OpaquePointer?, code: rd_kafka_resp_err_t,
    offsets: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let context = ClientContext.from(opaque) else { return }
    let failed = code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET
    context.report(
        .committed(
            offsets.map { PartitionList.offsets(of: $0) } ?? [],
            failed ? KafkaError(code: code.rawValue, operation: "commit offsets") : nil))
}

/// The broker's answer to a commit, once it has come.
private final class CommitAnswer {
    var code: rd_kafka_resp_err_t?
}

private func answerCallback(
    client: OpaquePointer?, code: rd_kafka_resp_err_t,
    offsets: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let opaque else { return }
    var code = code
    if let list = offsets?.pointee, code == RD_KAFKA_RESP_ERR_NO_ERROR {
        let failed = (0..<Int(list.cnt)).first {
            list.elems[$0].err != RD_KAFKA_RESP_ERR_NO_ERROR
        }
        if let failed { code = list.elems[failed].err }
    }
    Unmanaged<CommitAnswer>.fromOpaque(opaque).takeUnretainedValue().code = code
}
