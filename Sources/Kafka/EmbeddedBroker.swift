import CRdKafka

/// librdkafka's mock cluster: the real protocol over loopback, in this process, for any client.
///
/// It keeps at most 5 MiB a partition and then drops the oldest records, ignores isolation and
/// stores no transactional offsets. Close its clients before it where possible.
public final class EmbeddedBroker {
    private let handle: ClientHandle
    private var cluster: OpaquePointer?
    /// For `bootstrap.servers`: loopback and random ports.
    public let bootstrapServers: String

    /// Requests that errors can be injected into, by Kafka's protocol numbers.
    public enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case offsetCommit = 8
        case offsetFetch = 9
        case findCoordinator = 10
        case joinGroup = 11
        case heartbeat = 12
        case leaveGroup = 13
        case syncGroup = 14
        case initProducerId = 22
        case addPartitionsToTransaction = 24
        case addOffsetsToTransaction = 25
        case endTransaction = 26
        case transactionOffsetCommit = 28
    }

    /// - Parameter brokers: > 0; their ids are 1…brokers.
    public init(brokers: Int = 1, log: LogHandler? = nil) throws(KafkaError) {
        precondition(brokers > 0, "a cluster has at least one broker")
        let configuration = ClientConfiguration(bootstrapServers: "")
        let context = ClientContext(
            configuration: configuration, purpose: "run the embedded broker", deliveryTags: 0,
            log: log)
        var bare = configuration
        bare.properties = [:]
        handle = try ClientHandle(
            type: RD_KAFKA_PRODUCER, configuration: bare, context: context)
        let client = try handle.open("start the embedded broker")
        guard let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers)),
            let address = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            throw KafkaError(
                code: KafkaError.Code.outOfResources, operation: "start the embedded broker")
        }
        self.cluster = cluster
        bootstrapServers = String(cString: address)
        disableNagle()
    }

    /// Answers at once, as Kafka's brokers do. librdkafka's mock leaves Nagle's algorithm on: an
    /// answer waits until the last one is acknowledged, which a client may put off for 40 ms.
    private func disableNagle() {
        for server in bootstrapServers.split(separator: ",") {
            guard let port = server.split(separator: ":").last.flatMap({ UInt16($0) })
            else { continue }
            crdkafka_listen_without_delay(port)
        }
    }

    deinit { close() }

    /// Stops it and frees its ports.
    @discardableResult
    public func close() -> Shutdown {
        if let cluster { rd_kafka_mock_cluster_destroy(cluster) }
        cluster = nil
        return handle.destroy(within: .seconds(5))
            ? .clean : .incomplete("the embedded broker still ends its threads")
    }

    /// - Parameter partitions: > 0.
    public func create(topic: String, partitions: Int) throws(KafkaError) {
        try with("create topic \(topic)") {
            rd_kafka_mock_topic_create($0, topic, Int32(partitions), 1)
        }
    }

    /// Disconnects clients and refuses them until ``setUp(_:)``.
    ///
    /// - Parameter broker: 1…, or nil for all.
    public func setDown(_ broker: Int32? = nil) throws(KafkaError) {
        try with("stop a broker") { rd_kafka_mock_broker_set_down($0, broker ?? -1) }
    }

    public func setUp(_ broker: Int32? = nil) throws(KafkaError) {
        try with("start a broker") { rd_kafka_mock_broker_set_up($0, broker ?? -1) }
    }

    /// Delays each answer.
    public func setRoundTrip(_ delay: Duration, broker: Int32? = nil) throws(KafkaError) {
        try with("delay a broker") {
            rd_kafka_mock_broker_set_rtt($0, broker ?? -1, delay.milliseconds)
        }
    }

    /// Moves a partition's leadership; nil leaves it without a leader.
    public func setLeader(of partition: TopicPartition, to broker: Int32?) throws(KafkaError) {
        try with("move the leader of \(partition)") {
            rd_kafka_mock_partition_set_leader(
                $0, partition.topic, partition.partition, broker ?? -1)
        }
    }

    /// Answers questions about the topic with this error; 0 ends it.
    public func setError(_ code: Int32, ofTopic topic: String) throws(KafkaError) {
        try with("set the error of topic \(topic)") {
            rd_kafka_mock_topic_set_error($0, topic, rd_kafka_resp_err_t(rawValue: code))
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// The next requests of this kind fail with these errors, in order.
    ///
    /// - Parameter codes: of ``KafkaError/code``; `_TRANSPORT` makes the broker hang up.
    public func inject(_ codes: [Int32], into request: Request) throws(KafkaError) {
        let errors = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
        try with("inject errors") {
            rd_kafka_mock_push_request_errors_array($0, request.rawValue, errors.count, errors)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Forgets errors injected and not yet used.
    public func clearInjected(_ request: Request) throws(KafkaError) {
        try with("clear errors") {
            rd_kafka_mock_clear_request_errors($0, request.rawValue)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    private func with(
        _ operation: String, _ body: (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        guard let cluster else { throw .closed(operation) }
        try KafkaError.check(body(cluster), operation)
    }
}
