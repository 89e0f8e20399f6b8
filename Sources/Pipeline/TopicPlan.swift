import Kafka

/// The topics Breakwater reads and writes, and what they have to be like.
public struct TopicPlan: Hashable, Sendable {
    public enum Cleanup: String, Sendable {
        case delete, compact
    }

    /// Topics of one family have equal partition counts.
    public enum Family: String, Sendable {
        case market, accounts, other
    }

    public struct Entry: Hashable, Sendable {
        /// The key of the topic's name in the configuration.
        public var key: String
        public var name: String
        public var cleanup: Cleanup
        public var family: Family

        public init(key: String, name: String, cleanup: Cleanup, family: Family) {
            self.key = key
            self.name = name
            self.cleanup = cleanup
            self.family = family
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// Cleanup and family of each topic, by its key in the configuration (docs/contracts.md).
    public static let shapes: [(key: String, cleanup: Cleanup, family: Family)] = [
        ("quotes", .delete, .market), ("ivSurfaces", .compact, .market),
        ("positions", .compact, .accounts), ("controls", .compact, .other),
        ("haircuts", .compact, .market), ("marginRequirements", .compact, .accounts),
        ("liquidationAlerts", .delete, .accounts), ("breakers", .delete, .market),
        ("exposures", .compact, .market), ("checkpoints", .compact, .market),
        ("deadLetters", .delete, .other),
    ]

    /// Everything that is not as it has to be, a sentence each; empty when all is.
    ///
    /// - Parameters:
    ///   - topics: what the cluster has, by name.
    ///   - settings: the topics' settings as the broker applies them; nil when they are not known.
    public func problems(
        topics: [String: TopicDescription], settings: [String: [String: String]]?
    ) -> [String] {
        missing(in: topics).map { "topic \($0) does not exist: breakwater topics create makes it" }
            + countProblems(topics)
            + entries.compactMap { entry in
                guard let policy = settings?[entry.name]?["cleanup.policy"],
                    policy != entry.cleanup.rawValue
                else { return nil }
                return "topic \(entry.name) has cleanup.policy=\(policy), not "
                    + "\(entry.cleanup.rawValue)"
            }
            + entries.compactMap { entry in
                guard let leaderless = topics[entry.name]?.leaderless, !leaderless.isEmpty
                else { return nil }
                return "topic \(entry.name) has no leader for partitions \(leaderless)"
            }
    }

    /// Names of topics that the cluster does not have.
    public func missing(in topics: [String: TopicDescription]) -> [String] {
        entries.map(\.name).filter { topics[$0] == nil }
    }

    /// Families whose topics differ in their partition counts.
    public func countProblems(_ topics: [String: TopicDescription]) -> [String] {
        [Family.market, .accounts].compactMap { family in
            let counts = entries.filter { $0.family == family }.compactMap { entry in
                topics[entry.name].map { (entry.name, $0.partitionCount) }
            }
            guard Set(counts.map(\.1)).count > 1 else { return nil }
            let list = counts.map { "\($0.0) has \($0.1)" }.joined(separator: ", ")
            return "partition counts must be equal, but \(list): one asset's or account's records "
                + "would not meet in one shard"
        }
    }

    /// What to create, with replication 3 or what the cluster has.
    ///
    /// - Parameters: both > 0.
    public func newTopics(
        _ names: Set<String>, partitions: Int, brokerCount: Int
    ) -> [NewTopic] {
        let replication = min(3, brokerCount)
        return entries.filter { names.contains($0.name) }.map { entry in
            var configuration = ["cleanup.policy": entry.cleanup.rawValue]
            if replication > 1 {
                configuration["min.insync.replicas"] = "2"
            }
            if entry.cleanup == .compact {
                configuration["max.compaction.lag.ms"] = "3600000"
                configuration["delete.retention.ms"] = "86400000"
            }
            return NewTopic(
                name: entry.name, partitions: partitions, replication: replication,
                configuration: configuration)
        }
    }
}
