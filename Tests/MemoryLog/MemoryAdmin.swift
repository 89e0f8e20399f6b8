import Kafka

/// Describes and creates topics of a log in memory, as ``Admin`` does on Kafka.
public final class MemoryAdmin: LogAdmin {
    private let process: MemoryProcess

    init(of process: MemoryProcess) { self.process = process }

    public func describeCluster(within limit: Duration) throws(KafkaError) -> ClusterDescription {
        var description = ClusterDescription()
        description.brokerCount = 1
        description.topics = try describe(process.log.topicNames, within: limit)
        return description
    }

    public func describe(
        _ topics: [String], within limit: Duration
    ) throws(KafkaError) -> [String: TopicDescription] {
        try process.checkAlive("describe topics")
        var found: [String: TopicDescription] = [:]
        for name in topics {
            guard let count = process.log.partitionCount(of: name) else { continue }
            found[name] = TopicDescription(
                name: name, partitionCount: count, replication: 1, leaderless: [])
        }
        return found
    }

    public func create(
        _ topics: [NewTopic], within limit: Duration
    ) throws(KafkaError) -> [String: KafkaError] {
        try process.checkAlive("create topics")
        var failures: [String: KafkaError] = [:]
        for topic in topics {
            let cleanup = topic.configuration["cleanup.policy"]
            do throws(BrokerError) {
                try process.log.createTopic(
                    topic.name, partitions: topic.partitions,
                    cleanup: cleanup == "compact" ? .compact : .delete)
            } catch {
                failures[topic.name] = KafkaError(
                    code: error.rawValue, operation: "create topic \(topic.name)")
            }
        }
        return failures
    }

    public func configurations(
        of topics: [String], within limit: Duration
    ) throws(KafkaError) -> [String: [String: String]] {
        try process.checkAlive("describe the settings of topics")
        var settings: [String: [String: String]] = [:]
        for name in topics {
            guard let cleanup = process.log.cleanup(of: name) else {
                throw KafkaError(
                    code: KafkaError.Code.unknownTopicOrPartition,
                    operation: "describe the settings of \(name)")
            }
            settings[name] = ["cleanup.policy": cleanup == .compact ? "compact" : "delete"]
        }
        return settings
    }

    @discardableResult
    public func close(within limit: Duration) -> Shutdown { .clean }
}
