import CRdKafka

/// The brokers and topics that a cluster has.
public struct ClusterDescription: Sendable, Equatable {
    public package(set) var brokerCount = 0
    /// By name.
    public package(set) var topics: [String: TopicDescription] = [:]

    package init() {}
}

/// A topic that a cluster has.
public struct TopicDescription: Sendable, Equatable {
    public let name: String
    public let partitionCount: Int
    /// The fewest replicas of any partition.
    public let replication: Int
    /// Partitions that have no leader and can be neither written nor read now.
    public let leaderless: [Int32]

    package init(name: String, partitionCount: Int, replication: Int, leaderless: [Int32]) {
        self.name = name
        self.partitionCount = partitionCount
        self.replication = replication
        self.leaderless = leaderless
    }
}

extension TopicDescription {
    init(_ topic: rd_kafka_metadata_topic) {
        let partitions = (0..<Int(topic.partition_cnt)).map { topic.partitions[$0] }
        self.init(
            name: String(cString: topic.topic), partitionCount: partitions.count,
            replication: Int(partitions.map(\.replica_cnt).min() ?? 0),
            leaderless: partitions.filter { $0.leader < 0 }.map(\.id))
    }
}

extension ClientHandle {
    /// Asks for topics one by one. A broker that creates topics when they are asked for, such as
    /// the embedded one, creates them; others leave them out.
    ///
    /// - Returns: those that exist, by name.
    func describe(
        _ topics: [String], within limit: Duration
    ) throws(KafkaError) -> [String: TopicDescription] {
        var descriptions: [String: TopicDescription] = [:]
        for name in topics {
            let operation = "describe topic \(name)"
            let client = try open(operation)
            guard let topic = rd_kafka_topic_new(client, name, nil) else {
                throw KafkaError(code: KafkaError.Code.invalidArgument, operation: operation)
            }
            defer { rd_kafka_topic_destroy(topic) }
            var found: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client, 0, topic, &found, limit.milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let found else {
                throw KafkaError(code: code.rawValue, operation: operation)
            }
            defer { rd_kafka_metadata_destroy(found) }
            guard found.pointee.topic_cnt == 1,
                found.pointee.topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR
            else { continue }
            descriptions[name] = TopicDescription(found.pointee.topics[0])
        }
        return descriptions
    }
}
