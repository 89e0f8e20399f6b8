import CRdKafka

/// Answers a consumer's rebalances. Called on the polling thread, inside ``Consumer/poll(owner:)``
/// and ``Consumer/close(owner:within:)``, never at any other time.
public protocol PartitionOwner: AnyObject {
    /// The group gave this member `partitions` of the subscribed topics, and took all others.
    ///
    /// - Returns: all that is to be read: those, and partitions of other topics besides, each with
    ///   its start. The consumer assigns them; their queues are in ``Consumer/queues`` afterwards.
    func partitionsAssigned(
        _ partitions: [TopicPartition], to consumer: any LogConsumer
    ) -> [TopicPartitionOffset]

    /// The group takes `partitions` away: stop them, and end or abort their transaction, before
    /// returning; then the consumer unassigns everything.
    ///
    /// - Parameter lost: they may have another owner already: nothing may be committed for them.
    func partitionsRevoked(
        _ partitions: [TopicPartition], lost: Bool, from consumer: any LogConsumer)
}

/// A consumer of one group, or of partitions assigned by hand, or of both in turn.
///
/// **One thread makes it, polls it and closes it**, and is called back on. That is why it is not
/// `Sendable`; only its ``waker`` may be used elsewhere. The loop:
///
/// ```swift
/// while !isStopped {
///     consumer.wait(upTo: .milliseconds(100))  // for any record, rebalance, error or wake-up
///     consumer.poll(owner: self)               // rebalances, errors, statistics
///     for queue in consumer.queues { queue.drain(into: batch); … }
/// }
/// consumer.close(owner: self)
/// ```
///
/// There is no pause and resume: with batches, librdkafka 2.0.2 skips offsets there. Not draining a
/// queue is the backpressure. Polling, not progress, is what keeps the member in its group.
public final class Consumer: LogConsumer {
    let handle: ClientHandle
    let groupId: String
    private(set) var mainQueue: OpaquePointer?
    private var batches: [RecordBatch] = []
    private var owner: (any PartitionOwner)?
    /// Leaving its group: what is still assigned is refused.
    private var isLeaving = false
    /// The queues of the current assignment, in its order.
    public var queues: [any LogQueue] { partitionQueues }
    private var partitionQueues: [PartitionQueue] = []
    /// Ends ``wait(upTo:)`` from any thread.
    public let waker: Waker
    public var wake: @Sendable () -> Void { { [waker] in waker.wake() } }

    /// - Parameters:
    ///   - configuration: see
    ///     ``ClientConfiguration/consumer(bootstrapServers:groupId:properties:)``.
    ///   - log: called on librdkafka's threads.
    /// - Throws: when a property is refused.
    public init(_ configuration: ClientConfiguration, log: LogHandler? = nil) throws(KafkaError) {
        groupId = configuration.properties["group.id"] ?? ""
        guard !groupId.isEmpty else {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: "start a consumer",
                reason: "group.id is not set")
        }
        waker = try Waker()
        let context = ClientContext(
            configuration: configuration, purpose: "reach \(configuration.bootstrapServers)",
            deliveryTags: 0, log: log)
        handle = try ClientHandle(
            type: RD_KAFKA_CONSUMER, configuration: configuration, context: context
        ) { object in
            rd_kafka_conf_set_rebalance_cb(object, rebalanceCallback)
        }
        let client = try handle.open("start a consumer")
        try KafkaError.check(rd_kafka_poll_set_consumer(client), "start a consumer")
        guard let queue = rd_kafka_queue_get_consumer(client) else {
            throw KafkaError(
                code: KafkaError.Code.outOfResources, operation: "start a consumer")
        }
        crdkafka_wakeup_attach(queue, waker.descriptor)
        mainQueue = queue
        context.consumer = self
    }

    /// Closes it without asking an owner, within 5 seconds, unless it is closed already.
    deinit {
        handle.context.consumer = nil
        _ = shutDown(owner: nil, within: .seconds(5))
    }

    // MARK: What to read

    /// Joins the group for these topics. The first ``poll(owner:)`` calls follow soon.
    public func subscribe(_ topics: [String]) throws(KafkaError) {
        let operation = "subscribe to \(topics.joined(separator: ", "))"
        let client = try handle.open(operation)
        let list = try PartitionList(topics.map { TopicPartition($0, -1) })
        try KafkaError.check(rd_kafka_subscribe(client, list.pointer), operation)
    }

    /// Leaves the group; the owner is told of the revocation by a later ``poll(owner:)``.
    public func unsubscribe() throws(KafkaError) {
        let operation = "leave group \(groupId)"
        try KafkaError.check(rd_kafka_unsubscribe(try handle.open(operation)), operation)
    }

    /// Asks for topics; a consumer then finds their leaders at once when they are assigned, for
    /// which librdkafka 2.0.2 otherwise waits up to a second each time.
    ///
    /// - Returns: those that exist, by name.
    public func describe(
        _ topics: [String], within limit: Duration = .seconds(10)
    ) throws(KafkaError) -> [String: TopicDescription] {
        try handle.describe(topics, within: limit)
    }

    /// Replaces all that is read. Queues taken before are dead and batches released. A group's
    /// member answers its rebalances instead, and moves by ``seek(_:within:)``.
    ///
    /// Where a partition is to be read from one of its ends, that is asked for first: librdkafka
    /// 2.0.2 fetches a partition for ever, for nobody, if its assignment ends before its own
    /// question for the offset is answered.
    ///
    /// - Parameter limit: for that question.
    /// - Throws: when an end is not known in time; then all is read as before. Or when librdkafka
    ///   refuses; then nothing is read.
    public func assign(
        _ offsets: [TopicPartitionOffset], within limit: Duration = .seconds(5)
    ) throws(KafkaError) {
        let operation = "assign \(offsets.count) partitions"
        let client = try handle.open(operation)
        let offsets = try resolved(offsets, within: limit)
        if !partitionQueues.isEmpty { releaseQueues(unassign: client) }
        var detached: [PartitionQueue] = []
        for each in offsets {
            detached.append(
                try PartitionQueue(each.topicPartition, client: client, waker: waker))
        }
        let list = try PartitionList(offsets)
        try KafkaError.check(rd_kafka_assign(client, list.pointer), operation)
        partitionQueues = detached
    }

    private func resolved(
        _ offsets: [TopicPartitionOffset], within limit: Duration
    ) throws(KafkaError) -> [TopicPartitionOffset] {
        var known: [TopicPartition: Int64] = [:]
        for end in [StartOffset.beginning, .end] {
            let asked = offsets.filter { $0.start == end }.map(\.topicPartition)
            known.merge(try resolve(end, of: asked, within: limit)) { $1 }
        }
        return offsets.map { each in
            known[each.topicPartition].map { TopicPartitionOffset(each.topicPartition, .at($0)) }
                ?? each
        }
    }

    /// Reads nothing any more.
    public func unassign() throws(KafkaError) {
        releaseQueues(unassign: try handle.open("unassign"))
    }

    /// Moves partitions that are assigned. What was fetched for them before is dropped.
    ///
    /// - Parameter limit: for the whole call; it must not be zero.
    public func seek(
        _ offsets: [TopicPartitionOffset], within limit: Duration = .seconds(5)
    ) throws(KafkaError) {
        let client = try handle.open("seek")
        let list = try PartitionList(offsets)
        if let error = rd_kafka_seek_partitions(client, list.pointer, limit.milliseconds) {
            throw KafkaError(consuming: error, operation: "seek", mask: handle.context.mask)
        }
        try list.checkElements("seek")
    }

    // MARK: The loop

    /// A batch for this consumer. Make few and use them again: all live until it is closed.
    public func makeBatch(capacity: Int) -> RecordBatch {
        let batch = RecordBatch(capacity: capacity, mask: handle.context.mask)
        batches.append(batch)
        return batch
    }

    /// Waits until a queue that was empty holds something, a drain filled its batch and so may have
    /// left something, or ``waker`` is used.
    ///
    /// It may return early for nothing. A queue that is not drained wakes nobody.
    /// - Returns: false when the time passed first.
    @discardableResult
    public func wait(upTo limit: Duration) -> Bool { waker.wait(upTo: limit) }

    /// Serves rebalances, errors, statistics and commit results; never waits.
    ///
    /// Must be called more often than `max.poll.interval.ms`, which any drain resets as well.
    public func poll(owner: (any PartitionOwner)? = nil) {
        guard let client = handle.pointer else { return }
        let outer = self.owner
        self.owner = owner
        defer { self.owner = outer }
        // A bound, so that a flood of errors cannot hold up the caller.
        for _ in 0..<64 {
            guard let message = rd_kafka_consumer_poll(client, 0) else { return }
            report(message)
        }
        waker.wake()
    }

    /// What librdkafka reported in ``poll(owner:)`` and since the last call, oldest first. At most
    /// 1024 events are kept; later ones are dropped.
    public func takeEvents() -> [ClientEvent] { handle.context.takeEvents() }

    /// Events that were dropped because nobody took them.
    public var droppedEvents: Int { handle.context.droppedEvents }

    /// Whether the group considers this member's assignment lost already.
    public var isAssignmentLost: Bool {
        handle.pointer.map { rd_kafka_assignment_lost($0) != 0 } ?? true
    }

    private func report(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        defer { rd_kafka_message_destroy(message) }
        let context = handle.context
        guard message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
            // All queues are detached before they are assigned, so no record comes here.
            context.report(
                .failure(
                    KafkaError(
                        code: KafkaError.Code.unexpectedRecord, operation: "read a record",
                        reason: "it arrived outside of its partition's queue")))
            return
        }
        let reason = rd_kafka_message_errstr(message).map { String(cString: $0) }
        context.report(
            .failure(
                KafkaError(
                    code: message.pointee.err.rawValue, operation: "read for group \(groupId)",
                    reason: reason.map { context.mask.masked($0) })))
    }

    // MARK: Rebalances

    fileprivate func rebalance(
        _ code: rd_kafka_resp_err_t, _ list: UnsafePointer<rd_kafka_topic_partition_list_t>,
        client: OpaquePointer
    ) {
        let partitions = PartitionList.partitions(of: list)
        guard code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS else {
            let isLost = rd_kafka_assignment_lost(client) != 0
            owner?.partitionsRevoked(partitions, lost: isLost, from: self)
            releaseQueues(unassign: client)
            return
        }
        guard !isLeaving else { return releaseQueues(unassign: client) }
        let wanted =
            owner?.partitionsAssigned(partitions, to: self)
            ?? partitions.map { TopicPartitionOffset($0, .stored) }
        do throws(KafkaError) {
            try assign(wanted)
        } catch {
            handle.context.report(.failure(error))
            releaseQueues(unassign: client)
        }
    }

    /// Unassigns first, so that what is left in the queues is outdated, then empties them.
    private func releaseQueues(unassign client: OpaquePointer) {
        for batch in batches { batch.release() }
        if isLeaving {
            unassignLeaving(client)
        } else {
            let code = rd_kafka_assign(client, nil)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR {
                handle.context.report(
                    .failure(KafkaError(code: code.rawValue, operation: "unassign all partitions")))
            }
        }
        for queue in partitionQueues { queue.discard() }
        partitionQueues = []
    }

    /// Answers a rebalance that comes while leaving. The group's thread may end in that moment;
    /// librdkafka 2.0.2 then never returns, and nothing is assigned any more.
    private func unassignLeaving(_ client: OpaquePointer) {
        let address = UInt(bitPattern: client)
        _ = BoundedCall { rd_kafka_assign(OpaquePointer(bitPattern: address), nil) }
            .run(within: .seconds(1))
    }

    // MARK: Closing

    /// Leaves the group and frees everything: batches, queues, threads. Never hangs.
    ///
    /// The owner is told of the revocation, if it held anything, before this returns.
    /// - Parameter limit: for all of it; half goes to leaving the group.
    @discardableResult
    public func close(
        owner: (any PartitionOwner)? = nil, within limit: Duration = .seconds(8)
    ) -> Shutdown {
        shutDown(owner: owner, within: limit)
    }

    private func shutDown(owner: (any PartitionOwner)?, within limit: Duration) -> Shutdown {
        guard let client = handle.pointer else { return .clean }
        let start = ContinuousClock.now
        for batch in batches { batch.release() }
        self.owner = owner
        isLeaving = true
        let hasLeft = leave(client, within: limit / 2)
        self.owner = nil
        for batch in batches { batch.release() }
        for queue in partitionQueues { queue.discard() }
        partitionQueues = []
        if let mainQueue {
            crdkafka_wakeup_detach(mainQueue)
            rd_kafka_queue_destroy(mainQueue)
        }
        mainQueue = nil
        handle.context.consumer = nil
        let rest = max(.seconds(1), limit - (ContinuousClock.now - start))
        let isFreed = handle.destroy(within: rest)
        guard isFreed else {
            return .incomplete("librdkafka still ends its threads for group \(groupId)")
        }
        return hasLeft
            ? .clean
            : .incomplete(
                "group \(groupId) was not left in time: its partitions move on after "
                    + "session.timeout.ms")
    }

    /// librdkafka's own close can hang; this one serves the closing queue until the time is up.
    private func leave(_ client: OpaquePointer, within limit: Duration) -> Bool {
        guard let queue = rd_kafka_queue_new(client) else { return false }
        defer { rd_kafka_queue_destroy(queue) }
        if let error = rd_kafka_consumer_close_queue(client, queue) {
            rd_kafka_error_destroy(error)
            return false
        }
        let start = ContinuousClock.now
        while rd_kafka_consumer_closed(client) == 0 {
            guard ContinuousClock.now - start < limit else { return false }
            var message: UnsafeMutablePointer<rd_kafka_message_t>?
            if rd_kafka_consume_batch_queue(queue, 10, &message, 1) == 1 {
                rd_kafka_message_destroy(message)
            }
        }
        return true
    }
}

private func rebalanceCallback(
    client: OpaquePointer?, code: rd_kafka_resp_err_t,
    partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let client else { return }
    guard let consumer = ClientContext.from(opaque)?.consumer, let partitions else {
        rd_kafka_assign(client, nil)
        return
    }
    consumer.rebalance(code, partitions, client: client)
}
