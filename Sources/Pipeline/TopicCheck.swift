import Foundation
import Kafka
import Logging

/// Looks at the cluster before workers start.
public enum TopicCheck {
    /// Partition counts that do not fit, which waiting does not mend.
    public struct Unsound: Error, CustomStringConvertible {
        public var problems: [String]
        public var description: String { problems.joined(separator: "\n") }
    }

    /// Waits until the brokers answer and the topics exist.
    ///
    /// Says what it waits for at once and then once a minute.
    /// - Throws: `Unsound` when partition counts differ; `KafkaError` when a setting is refused.
    public static func waitUntilSound(
        _ configuration: PipelineConfiguration, log: Logger, isStopped: () -> Bool
    ) throws {
        let admin = try Admin(
            ClientConfiguration(
                bootstrapServers: configuration.bootstrapServers,
                properties: configuration.clientProperties), log: kafkaLog(log))
        defer { admin.close() }
        let plan = TopicPlan(configuration.topics)
        var lastSaid: Date?
        while !isStopped() {
            let problems: [String]
            do {
                let topics = try admin.describe(plan.entries.map(\.name), within: .seconds(3))
                let counts = plan.countProblems(topics)
                guard counts.isEmpty else { throw Unsound(problems: counts) }
                problems = plan.problems(topics: topics, settings: nil)
                if problems.isEmpty { return }
            } catch let error as KafkaError {
                problems = ["\(error)"]
            }
            if lastSaid.map({ Date().timeIntervalSince($0) >= 60 }) ?? true {
                lastSaid = Date()
                for problem in problems { log.warning("waiting: \(problem)") }
            }
            Thread.sleep(forTimeInterval: 0.5)
        }
    }
}

extension TopicPlan {
    /// All topics of a pipeline.
    public init(_ topics: PipelineTopics) {
        let names = [
            "quotes": topics.quotes, "ivSurfaces": topics.surfaces,
            "positions": topics.positions, "controls": topics.controls,
            "haircuts": topics.haircuts, "marginRequirements": topics.requirements,
            "liquidationAlerts": topics.alerts, "breakers": topics.breakers,
            "exposures": topics.exposures, "checkpoints": topics.checkpoints,
            "deadLetters": topics.deadLetters,
        ]
        self.init(
            Self.shapes.compactMap { shape in
                names[shape.key].map {
                    Entry(
                        key: shape.key, name: $0, cleanup: shape.cleanup, family: shape.family)
                }
            })
    }
}
