import Foundation
import Kafka
import Pipeline
import Testing

@Suite(.serialized) struct TopicPlanTests {
    /// Descriptions as a cluster gives them: those of an embedded one with these counts.
    private func describe(
        _ counts: [String: Int], leaderless: TopicPartition? = nil
    ) throws -> [String: TopicDescription] {
        let broker = try EmbeddedBroker()
        for (name, count) in counts { try broker.create(topic: name, partitions: count) }
        if let leaderless { try broker.setLeader(of: leaderless, to: nil) }
        let admin = try Admin(ClientConfiguration(bootstrapServers: broker.bootstrapServers))
        defer { admin.close() }
        return try admin.describeCluster().topics
    }

    private static let fine = ["quotes": 2, "surfaces": 2, "haircuts": 2, "letters": 1]
    private static let policies = [
        "quotes": ["cleanup.policy": "delete"], "surfaces": ["cleanup.policy": "compact"],
        "haircuts": ["cleanup.policy": "compact"], "letters": ["cleanup.policy": "delete"],
    ]

    private let plan = TopicPlan(
        TopicPlan(Bus.topics).entries.filter { Self.fine[$0.name] != nil })

    @Test func topicsAsTheyShouldBeHaveNoProblem() throws {
        let topics = try describe(Self.fine)
        #expect(plan.problems(topics: topics, settings: Self.policies).isEmpty)
        #expect(plan.problems(topics: topics, settings: nil).isEmpty)
        #expect(plan.missing(in: topics).isEmpty)
    }

    @Test func aMissingTopicIsNamedWithTheCommandThatMakesIt() throws {
        var counts = Self.fine
        counts["surfaces"] = nil
        let topics = try describe(counts)
        #expect(
            plan.problems(topics: topics, settings: nil) == [
                "topic surfaces does not exist: breakwater topics create makes it"
            ])
        #expect(plan.missing(in: topics) == ["surfaces"])
    }

    @Test func differentCountsAreSaidWithTheTopicsAndTheirCounts() throws {
        var counts = Self.fine
        counts["surfaces"] = 3
        let problems = plan.problems(topics: try describe(counts), settings: nil)
        #expect(problems.count == 1)
        #expect(
            problems.first?.hasPrefix(
                "partition counts must be equal, but quotes has 2, surfaces has 3, haircuts has 2")
                == true)
    }

    @Test func theDeadLettersMayHaveAnyCount() throws {
        var counts = Self.fine
        counts["letters"] = 7
        #expect(plan.problems(topics: try describe(counts), settings: nil).isEmpty)
    }

    @Test func aWrongCleanupPolicyIsSaidWithTheRightOne() throws {
        var policies = Self.policies
        policies["haircuts"] = ["cleanup.policy": "delete"]
        #expect(
            plan.problems(topics: try describe(Self.fine), settings: policies) == [
                "topic haircuts has cleanup.policy=delete, not compact"
            ])
    }

    @Test func partitionsWithoutALeaderAreNamed() throws {
        let topics = try describe(Self.fine, leaderless: TopicPartition("quotes", 1))
        #expect(
            plan.problems(topics: topics, settings: nil) == [
                "topic quotes has no leader for partitions [1]"
            ])
    }

    @Test func replicationIsThreeOrWhatTheClusterHas() {
        for (brokers, replication) in [(1, 1), (2, 2), (3, 3), (9, 3)] {
            let new = plan.newTopics(["quotes", "haircuts"], partitions: 8, brokerCount: brokers)
            #expect(new.map(\.name) == ["quotes", "haircuts"])
            #expect(new.allSatisfy { $0.replication == replication && $0.partitions == 8 })
            for topic in new {
                #expect(
                    topic.configuration["min.insync.replicas"] == (brokers > 1 ? "2" : nil))
            }
            #expect(new.last?.configuration["cleanup.policy"] == "compact")
            #expect(new.last?.configuration["delete.retention.ms"] == "86400000")
            #expect(new.first?.configuration["delete.retention.ms"] == nil)
        }
    }

    @Test func theCheckRefusesDifferentCountsInASentence() throws {
        let broker = try EmbeddedBroker()
        for (name, count) in ["quotes": 2, "surfaces": 2, "haircuts": 4, "letters": 1] {
            try broker.create(topic: name, partitions: count)
        }
        var configuration = try Bus(partitions: 1).configuration()
        configuration.bootstrapServers = broker.bootstrapServers
        let lines = LogLines()
        let error = #expect(throws: TopicCheck.Unsound.self) {
            try TopicCheck.waitUntilSound(
                configuration, log: lines.logger, isStopped: { false })
        }
        let sentence = error?.description ?? ""
        for part in ["quotes has 2", "surfaces has 2", "haircuts has 4"] {
            #expect(sentence.contains(part))
        }
    }

    @Test func theCheckWaitsForABrokerThatComesUpLater() throws {
        let bus = try Bus()
        try bus.broker.setDown()
        let configuration = bus.configuration()
        let log = bus.log
        let start = ContinuousClock.now
        let thread = Thread {
            do {
                try TopicCheck.waitUntilSound(
                    configuration, log: log.logger, isStopped: { false })
                log.logger.info("sound")
            } catch {
                log.logger.error("refused: \(error)")
            }
        }
        thread.start()
        try wait(upTo: .seconds(10), for: "a warning") { log.contains("waiting: ") }
        #expect(!log.contains("sound") && !log.contains("error refused: "))
        #expect(log.contains(bus.broker.bootstrapServers))
        try bus.broker.setUp()
        try wait(upTo: .seconds(15), for: "the check") { log.contains("info sound") }
        #expect(!log.contains("error refused: "))
        #expect(ContinuousClock.now - start < .seconds(25))
        #expect(log.all.filter { $0.contains("waiting: ") }.count == 1)
    }

    @Test func theCheckEndsWhenItIsStopped() throws {
        let bus = try Bus()
        try bus.broker.setDown()
        let end = ContinuousClock.now + .seconds(1)
        try TopicCheck.waitUntilSound(
            bus.configuration(), log: bus.log.logger, isStopped: { ContinuousClock.now > end })
        #expect(ContinuousClock.now - end < .seconds(5))
    }
}
