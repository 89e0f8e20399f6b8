/// What reads and writes a log of records in topics and partitions, with Kafka's meaning.
///
/// Behind these protocols stand librdkafka's clients (``KafkaClients``) and, in tests, a log in
/// memory. Calls go through them once a batch or an output, never once a record that is read.
/// Everything a client makes belongs to the thread that made the client.
public protocol LogClients {
    func makeConsumer(
        _ configuration: ClientConfiguration
    ) throws(KafkaError) -> any LogConsumer

    /// - Parameter deliveryTags: tags are 0..<deliveryTags; > 0.
    func makeProducer(
        _ configuration: ClientConfiguration, deliveryTags: Int
    ) throws(KafkaError) -> any LogProducer
}

/// Makes librdkafka's clients.
public struct KafkaClients: LogClients, Sendable {
    private let log: LogHandler?

    /// - Parameter log: called on librdkafka's threads.
    public init(log: LogHandler? = nil) {
        self.log = log
    }

    public func makeConsumer(
        _ configuration: ClientConfiguration
    ) throws(KafkaError) -> any LogConsumer {
        try Consumer(configuration, log: log)
    }

    public func makeProducer(
        _ configuration: ClientConfiguration, deliveryTags: Int
    ) throws(KafkaError) -> any LogProducer {
        try Producer(configuration, deliveryTags: deliveryTags, log: log)
    }
}

/// A member of a group, and a reader of partitions besides; see ``Consumer`` for the loop.
public protocol LogConsumer: AnyObject {
    /// The queues of the current assignment, in its order.
    var queues: [any LogQueue] { get }
    /// Ends ``wait(upTo:)`` from any thread, also after the consumer is gone.
    var wake: @Sendable () -> Void { get }
    /// Whether the group considers this member's assignment lost already.
    var isAssignmentLost: Bool { get }

    /// Joins the group for these topics.
    func subscribe(_ topics: [String]) throws(KafkaError)

    /// Asks for topics, those that exist, by name; see ``Consumer/describe(_:within:)``.
    func describe(
        _ topics: [String], within limit: Duration
    ) throws(KafkaError) -> [String: TopicDescription]

    /// Replaces all that is read; see ``Consumer/assign(_:within:)``.
    func assign(_ offsets: [TopicPartitionOffset], within limit: Duration) throws(KafkaError)

    /// A batch for this consumer. Make few and use them again: all live until it is closed.
    func makeBatch(capacity: Int) -> RecordBatch

    /// Waits until there may be something to read or to answer.
    ///
    /// - Returns: false when the time passed first.
    @discardableResult
    func wait(upTo limit: Duration) -> Bool

    /// Serves rebalances, errors and commit results; never waits.
    func poll(owner: (any PartitionOwner)?)

    /// What was reported since the last call, oldest first.
    func takeEvents() -> [ClientEvent]

    /// Commits and waits for the answer; see ``Consumer/commit(_:within:)``.
    func commit(_ offsets: [CommittedOffset], within limit: Duration) throws(KafkaError)

    /// Commits without waiting; ``ClientEvent/committed(_:_:)`` tells how it ended.
    func commitLater(_ offsets: [CommittedOffset]) throws(KafkaError)

    /// The group's committed offsets; a partition without one is left out.
    func committed(
        _ partitions: [TopicPartition], within limit: Duration
    ) throws(KafkaError) -> [CommittedOffset]

    /// The oldest offset there is and the one behind the newest record of each partition.
    func watermarks(
        of partitions: [TopicPartition], within limit: Duration
    ) throws(KafkaError) -> [TopicPartition: Watermarks]

    /// The offset behind the newest record, as it came with the last fetch; nil before the first.
    /// Asks nobody.
    func knownEnd(of partition: TopicPartition) -> Int64?

    /// What fences this member's offsets in ``LogProducer/sendOffsets(_:of:within:)``; to be taken
    /// anew after each rebalance.
    func groupMetadata() throws(KafkaError) -> any GroupMetadata

    /// Leaves the group and frees everything. Never hangs.
    @discardableResult
    func close(owner: (any PartitionOwner)?, within limit: Duration) -> Shutdown
}

extension LogConsumer {
    /// The queue of a partition of the current assignment.
    public func queue(of partition: TopicPartition) -> (any LogQueue)? {
        queues.first { $0.topicPartition == partition }
    }
}

/// The records of one assigned partition; see ``PartitionQueue``.
public protocol LogQueue: AnyObject {
    var topicPartition: TopicPartition { get }
    /// Records waiting; a guide, for it changes as it is read.
    var waiting: Int { get }

    /// Releases `batch` and fills it with what is waiting.
    ///
    /// - Parameter wait: for a first record if none is there; then takes what is there at once.
    /// - Returns: the records in the batch. 0 says nothing of ends and errors: ask the batch.
    @discardableResult
    func drain(into batch: RecordBatch, wait: Duration) -> Int
}

extension LogQueue {
    /// Releases `batch` and fills it with what is there.
    @discardableResult
    public func drain(into batch: RecordBatch) -> Int { drain(into: batch, wait: .zero) }
}

/// A consumer's membership: group, generation and member, as transactions need it.
public protocol GroupMetadata: AnyObject {}

/// A producer, plain or transactional; see ``Producer``.
public protocol LogProducer: AnyObject {
    /// nil when it is not transactional.
    var transactionalId: String? { get }
    /// Whether a transaction was begun and neither committed nor aborted.
    var isInTransaction: Bool { get }
    /// Messages and reports that are still waiting, in all.
    var outstanding: Int { get }
    /// Why this producer can do no more, if so.
    var fatalError: KafkaError? { get }

    /// The topic's handle; the same each time.
    func topic(_ name: String) throws(KafkaError) -> Producer.Topic

    /// Hands a message to the producer's queue; its bytes are copied. Never waits. Parameters and
    /// errors are those of ``Producer``.
    @discardableResult
    func produce(
        to topic: Producer.Topic, partition: Int32?, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, timestampMilliseconds: Int64?, headers: [Header], tag: Int
    ) throws(KafkaError) -> Producer.Admission

    /// Counts delivery reports and collects events.
    ///
    /// - Returns: how many reports and events were served.
    @discardableResult
    func poll(upTo limit: Duration) -> Int

    /// What became of the messages of a tag since it was last reset.
    func deliveries(tag: Int) -> Deliveries

    /// Counts this tag from zero.
    func resetDeliveries(tag: Int)

    /// What was reported since the last call, undelivered messages included, oldest first.
    func takeEvents() -> [ClientEvent]

    /// Sends all without lingering and waits for the delivery reports.
    ///
    /// - Returns: what is still waiting when the time passed; 0 when all is reported.
    @discardableResult
    func flush(within limit: Duration) throws(KafkaError) -> Int

    /// Drops all messages that are waiting or on their way.
    func purge() throws(KafkaError)

    /// Registers the transactional id, fences older producers of it and ends their transaction.
    func initializeTransactions(within limit: Duration) throws(KafkaError)

    func beginTransaction() throws(KafkaError)

    /// Makes input offsets part of the transaction; fenced unless `metadata` is of the present
    /// generation.
    func sendOffsets(
        _ offsets: [CommittedOffset], of metadata: any GroupMetadata, within limit: Duration
    ) throws(KafkaError)

    /// Flushes and commits. A retriable error leaves the result unknown: make the call again.
    func commitTransaction(within limit: Duration) throws(KafkaError)

    /// Purges and aborts. A retriable error leaves the result unknown: make the call again.
    func abortTransaction(within limit: Duration) throws(KafkaError)

    /// Sends what is waiting, aborts an open transaction, and frees everything. Never hangs.
    @discardableResult
    func close(within limit: Duration) -> Shutdown
}
