import Kafka
import Pipeline
import Testing

@Suite struct ScaleOutTests {
    private static let plan = TopicPlan([
        TopicPlan.Entry(key: "quotes", name: "quotes", cleanup: .delete, family: .market),
        TopicPlan.Entry(key: "positions", name: "positions", cleanup: .compact, family: .accounts),
        TopicPlan.Entry(key: "deadLetters", name: "letters", cleanup: .delete, family: .other),
    ])

    private func describe(_ counts: [String: Int]) throws -> [String: TopicDescription] {
        let broker = try EmbeddedBroker()
        for (name, count) in counts { try broker.create(topic: name, partitions: count) }
        let admin = try Admin(ClientConfiguration(bootstrapServers: broker.bootstrapServers))
        defer { admin.close() }
        return try admin.describeCluster().topics
    }

    @Test func partitionsAreTheLimitOfWorkersAtWork() throws {
        let topics = try describe(["quotes": 8, "positions": 3, "letters": 1])
        func lines(_ haircut: Int, _ margin: Int) -> [String] {
            Self.plan.scaleOut(topics, haircutWorkers: haircut, marginWorkers: margin)
        }
        let haircut = "haircut stage: 8 partitions, so at most 8 workers at work"
        let margin = "margin stage: 3 partitions, so at most 3 workers at work"
        #expect(lines(1, 1) == [haircut + ": 8 processes of 1", margin + ": 3 processes of 1"])
        #expect(lines(3, 2) == [haircut + ": 3 processes of 3", margin + ": 2 processes of 2"])
        #expect(
            lines(8, 4) == [
                haircut + ": 1 process of 8",
                margin + ": 1 process of 4; 1 of one process's 4 stand by",
            ])
        #expect(lines(0, 3).first == haircut + "; this configuration runs none")
    }

    @Test func aStageWithoutTopicsIsLeftOut() throws {
        let topics = try describe(["quotes": 2, "letters": 1])
        let lines = Self.plan.scaleOut(topics, haircutWorkers: 1, marginWorkers: 1)
        #expect(lines.count == 1)
    }

    @Test func aChangedPartitionCountIsSaidAndAnEqualOneIsNot() throws {
        let topics = try describe(["quotes": 4, "positions": 3, "letters": 2])
        let before = ["quotes": 2, "positions": 3, "letters": 2, "gone": 1]
        let changes = Self.plan.changes(since: before, in: topics)
        #expect(changes.count == 1)
        #expect(changes.first?.hasPrefix("topic quotes has 4 partitions and had 2: ") == true)
        #expect(Self.plan.changes(since: [:], in: topics).isEmpty)
    }
}
