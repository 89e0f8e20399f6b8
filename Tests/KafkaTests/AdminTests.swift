import Kafka
import RealBroker
import Testing

@Suite(.serialized) struct AdminTests {
    @Test func theClusterIsDescribed() throws {
        let broker = try EmbeddedBroker(brokers: 3)
        try broker.create(topic: "quotes", partitions: 4)
        try broker.create(topic: "positions", partitions: 2)
        try broker.setLeader(of: TopicPartition("positions", 1), to: nil)
        let admin = try Admin(ClientConfiguration(bootstrapServers: broker.bootstrapServers))
        let cluster = try admin.describeCluster()
        #expect(cluster.brokerCount == 3)
        #expect(Set(cluster.topics.keys) == ["quotes", "positions"])
        #expect(cluster.topics["quotes"]?.partitionCount == 4)
        #expect(cluster.topics["quotes"]?.leaderless == [])
        #expect(cluster.topics["positions"]?.leaderless == [1])
        #expect(admin.close() == .clean)
    }

    /// The mock has no controller, which alone creates topics.
    @Test func aClusterWithoutAControllerIsAnErrorWithinItsTime() throws {
        let broker = try EmbeddedBroker()
        let admin = try Admin(ClientConfiguration(bootstrapServers: broker.bootstrapServers))
        let topic = NewTopic(
            name: "haircuts", partitions: 2, replication: 1,
            configuration: ["cleanup.policy": "compact"])
        let duration = elapsed {
            let creation = #expect(throws: KafkaError.self) {
                try admin.create([topic], within: .seconds(1))
            }
            #expect(creation?.code == KafkaError.Code.timedOut)
            #expect(creation?.description.hasPrefix("could not create topics: ") == true)
            let description = #expect(throws: KafkaError.self) {
                try admin.configurations(of: ["haircuts"], within: .seconds(1))
            }
            #expect(description?.code == KafkaError.Code.timedOut)
            #expect(description?.operation == "describe the settings of haircuts")
        }
        #expect(duration < .seconds(6))
        #expect(admin.close() == .clean)
    }

    @Test func aTopicThatCannotBeIsRefusedBeforeItIsSent() throws {
        let broker = try EmbeddedBroker()
        let admin = try Admin(ClientConfiguration(bootstrapServers: broker.bootstrapServers))
        let error = #expect(throws: KafkaError.self) {
            try admin.create([NewTopic(name: "haircuts", partitions: 0)])
        }
        #expect(error?.code == KafkaError.Code.invalidArgument)
        #expect(error?.operation == "create topic haircuts")
        #expect(admin.close() == .clean)
    }

    @Test func noBrokerIsExplained() throws {
        let broker = try EmbeddedBroker()
        let address = broker.bootstrapServers
        broker.close()
        let admin = try Admin(ClientConfiguration(bootstrapServers: address))
        let error = #expect(throws: KafkaError.self) {
            try admin.describeCluster(within: .seconds(1))
        }
        #expect(error?.description.contains(address) == true)
        #expect(error?.description.contains("that the broker is up") == true)
        #expect(admin.close() == .clean)
    }

    /// On a real broker, for the mock cannot create topics.
    @Test(.enabled(if: kafkaBootstrap != nil, "skipped: no KAFKA_BOOTSTRAP"))
    func topicsAreCreatedWithTheirSettings() throws {
        let address = try #require(kafkaBootstrap)
        let admin = try Admin(ClientConfiguration(bootstrapServers: address))
        let name = uniqueTopicName()
        let topic = NewTopic(
            name: name, partitions: 3, replication: 1,
            configuration: ["cleanup.policy": "compact"])
        #expect(try admin.create([topic]).isEmpty)
        try admin.awaitLeaders(of: [name])
        #expect(try admin.create([topic])[name]?.code == KafkaError.Code.topicAlreadyExists)
        #expect(try admin.describeCluster().topics[name]?.partitionCount == 3)
        let settings = try admin.configurations(of: [name])
        #expect(settings[name]?["cleanup.policy"] == "compact")
        #expect(try admin.delete([name]).isEmpty)
        #expect(admin.close() == .clean)
    }
}
