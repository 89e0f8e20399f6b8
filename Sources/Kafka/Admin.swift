import CRdKafka

/// A topic as it is to be created.
public struct NewTopic: Sendable, Equatable {
    public let name: String
    /// > 0.
    public let partitions: Int
    /// > 0, or nil for the broker's default.
    public let replication: Int?
    /// Kafka's names and values, for example `cleanup.policy`: `compact`.
    public let configuration: [String: String]

    public init(
        name: String, partitions: Int, replication: Int? = nil,
        configuration: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.replication = replication
        self.configuration = configuration
    }
}

/// Creates and describes topics. Made, used and closed on one thread; each call waits.
public final class Admin {
    private let handle: ClientHandle

    /// - Throws: when a property is refused.
    public init(_ configuration: ClientConfiguration, log: LogHandler? = nil) throws(KafkaError) {
        let context = ClientContext(
            configuration: configuration, purpose: "reach \(configuration.bootstrapServers)",
            deliveryTags: 0, log: log)
        handle = try ClientHandle(
            type: RD_KAFKA_PRODUCER, configuration: configuration, context: context)
    }

    /// Frees everything. Never hangs.
    @discardableResult
    public func close(within limit: Duration = .seconds(5)) -> Shutdown {
        handle.destroy(within: limit)
            ? .clean : .incomplete("librdkafka still ends its threads for an admin client")
    }

    /// What librdkafka reported since the last call, oldest first.
    public func takeEvents() -> [ClientEvent] {
        if let client = handle.pointer { rd_kafka_poll(client, 0) }
        return handle.context.takeEvents()
    }

    /// All of the cluster's brokers and topics. Creates none.
    public func describeCluster(
        within limit: Duration = .seconds(10)
    ) throws(KafkaError) -> ClusterDescription {
        let client = try handle.open("describe the cluster")
        var found: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 1, nil, &found, limit.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let found else {
            throw explained(KafkaError(code: code.rawValue, operation: handle.context.purpose))
        }
        defer { rd_kafka_metadata_destroy(found) }
        var description = ClusterDescription()
        description.brokerCount = Int(found.pointee.broker_cnt)
        for index in 0..<Int(found.pointee.topic_cnt) {
            let topic = found.pointee.topics[index]
            guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let described = TopicDescription(topic)
            description.topics[described.name] = described
        }
        return description
    }

    /// Asks for topics one by one; see ``ClientHandle/describe(_:within:)``.
    ///
    /// - Returns: those that exist, by name.
    public func describe(
        _ topics: [String], within limit: Duration = .seconds(10)
    ) throws(KafkaError) -> [String: TopicDescription] {
        do throws(KafkaError) {
            return try handle.describe(topics, within: limit)
        } catch {
            throw explained(error)
        }
    }

    /// Creates topics.
    ///
    /// - Returns: the errors of those that could not be created, by name; empty when all were. A
    ///   topic that exists is ``KafkaError/Code/topicAlreadyExists``.
    /// - Throws: when no broker answers, or it cannot create topics at all.
    public func create(
        _ topics: [NewTopic], within limit: Duration = .seconds(20)
    ) throws(KafkaError) -> [String: KafkaError] {
        guard !topics.isEmpty else { return [:] }
        let operation = "create topics"
        let client = try handle.open(operation)
        var objects: [OpaquePointer?] = []
        defer { for object in objects { rd_kafka_NewTopic_destroy(object) } }
        for topic in topics { objects.append(try Self.makeObject(topic)) }
        let event = try request(
            client, RD_KAFKA_ADMIN_OP_CREATETOPICS, operation, within: limit
        ) { options, queue in
            rd_kafka_CreateTopics(client, &objects, objects.count, options, queue)
        }
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event), &count)
        return Self.failures("create", results, count)
    }

    /// Deletes topics with all that is in them. The broker may do so some time after it answered.
    ///
    /// - Returns: the errors of those that could not be deleted, by name; empty when all were.
    /// - Throws: when no broker answers, or it cannot delete topics at all.
    public func delete(
        _ topics: [String], within limit: Duration = .seconds(20)
    ) throws(KafkaError) -> [String: KafkaError] {
        guard !topics.isEmpty else { return [:] }
        let operation = "delete topics"
        let client = try handle.open(operation)
        var objects: [OpaquePointer?] = topics.map { rd_kafka_DeleteTopic_new($0) }
        defer { for object in objects { object.map { rd_kafka_DeleteTopic_destroy($0) } } }
        guard !objects.contains(nil) else {
            throw KafkaError(code: KafkaError.Code.invalidArgument, operation: operation)
        }
        let event = try request(
            client, RD_KAFKA_ADMIN_OP_DELETETOPICS, operation, within: limit
        ) { options, queue in
            rd_kafka_DeleteTopics(client, &objects, objects.count, options, queue)
        }
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event), &count)
        return Self.failures("delete", results, count)
    }

    /// The errors among the results of a request about topics, by topic.
    private static func failures(
        _ verb: String, _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int
    ) -> [String: KafkaError] {
        var failures: [String: KafkaError] = [:]
        for index in 0..<count {
            guard let result = results?[index] else { continue }
            let code = rd_kafka_topic_result_error(result)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let name = String(cString: rd_kafka_topic_result_name(result))
            failures[name] = KafkaError(
                code: code.rawValue, operation: "\(verb) topic \(name)",
                reason: rd_kafka_topic_result_error_string(result).map { String(cString: $0) })
        }
        return failures
    }

    private static func makeObject(_ topic: NewTopic) throws(KafkaError) -> OpaquePointer {
        let operation = "create topic \(topic.name)"
        guard topic.partitions > 0, topic.replication ?? 1 > 0 else {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: operation,
                reason: "partitions and replication must be above 0")
        }
        var text = ErrorText()
        let object = text.fill {
            rd_kafka_NewTopic_new(
                topic.name, Int32(clamping: topic.partitions),
                topic.replication.map { Int32(clamping: $0) } ?? -1, $0, $1)
        }
        guard let object else {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: operation, reason: text.string)
        }
        for (name, value) in topic.configuration.sorted(by: { $0.key < $1.key }) {
            let code = rd_kafka_NewTopic_set_config(object, name, value)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_NewTopic_destroy(object)
                throw KafkaError(code: code.rawValue, operation: "\(operation) with \(name)")
            }
        }
        return object
    }

    /// The settings of topics as the broker applies them, defaults included: by topic, by name.
    ///
    /// - Throws: when no broker answers, it cannot describe settings, or a topic is unknown.
    public func configurations(
        of topics: [String], within limit: Duration = .seconds(20)
    ) throws(KafkaError) -> [String: [String: String]] {
        guard !topics.isEmpty else { return [:] }
        let operation = "describe the settings of \(topics.joined(separator: ", "))"
        let client = try handle.open(operation)
        var objects: [OpaquePointer?] = topics.map {
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0)
        }
        defer { for object in objects { object.map { rd_kafka_ConfigResource_destroy($0) } } }
        guard !objects.contains(nil) else {
            throw KafkaError(code: KafkaError.Code.invalidArgument, operation: operation)
        }
        let event = try request(
            client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, operation, within: limit
        ) { options, queue in
            rd_kafka_DescribeConfigs(client, &objects, objects.count, options, queue)
        }
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count)
        var settings: [String: [String: String]] = [:]
        for index in 0..<count {
            guard let result = results?[index] else { continue }
            let name = String(cString: rd_kafka_ConfigResource_name(result))
            let code = rd_kafka_ConfigResource_error(result)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaError(
                    code: code.rawValue, operation: "describe the settings of \(name)",
                    reason: rd_kafka_ConfigResource_error_string(result).map { String(cString: $0) }
                )
            }
            settings[name] = Self.entries(of: result)
        }
        return settings
    }

    private static func entries(of resource: OpaquePointer) -> [String: String] {
        var count = 0
        let entries = rd_kafka_ConfigResource_configs(resource, &count)
        var settings: [String: String] = [:]
        for index in 0..<count {
            guard let entry = entries?[index], let name = rd_kafka_ConfigEntry_name(entry),
                let value = rd_kafka_ConfigEntry_value(entry)
            else { continue }
            settings[String(cString: name)] = String(cString: value)
        }
        return settings
    }

    /// Makes a request and waits for its answer, which the caller frees.
    private func request(
        _ client: OpaquePointer, _ operation: rd_kafka_admin_op_t, _ name: String,
        within limit: Duration, _ send: (OpaquePointer, OpaquePointer) -> Void
    ) throws(KafkaError) -> OpaquePointer {
        guard let options = rd_kafka_AdminOptions_new(client, operation) else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: name)
        }
        defer { rd_kafka_AdminOptions_destroy(options) }
        var text = ErrorText()
        let code = text.fill {
            rd_kafka_AdminOptions_set_request_timeout(options, limit.milliseconds, $0, $1)
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code: code.rawValue, operation: name, reason: text.string)
        }
        guard let queue = rd_kafka_queue_new(client) else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: name)
        }
        defer { rd_kafka_queue_destroy(queue) }
        send(options, queue)
        // librdkafka answers within the limit; a second more is for its own clockwork.
        guard let event = rd_kafka_queue_poll(queue, (limit + .seconds(1)).milliseconds) else {
            throw explained(KafkaError(code: KafkaError.Code.timedOut, operation: name))
        }
        let result = rd_kafka_event_error(event)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let reason = rd_kafka_event_error_string(event).map { String(cString: $0) }
            rd_kafka_event_destroy(event)
            throw explained(
                KafkaError(
                    code: result.rawValue, operation: name,
                    reason: reason.map { handle.context.mask.masked($0) }))
        }
        return event
    }

    /// A time-out that follows a failure to connect or to log in is explained by that.
    private func explained(_ error: KafkaError) -> KafkaError {
        guard error.code == KafkaError.Code.timedOut || error.code == KafkaError.Code.transport,
            let client = handle.pointer
        else { return error }
        rd_kafka_poll(client, 0)
        for case .failure(let cause) in handle.context.events.reversed()
        where cause.code != KafkaError.Code.allBrokersDown {
            return cause
        }
        return error
    }
}
