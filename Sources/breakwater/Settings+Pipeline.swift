import Kafka
import Operations
import Pipeline

extension Settings {
    /// What the haircut stage needs of the configuration.
    ///
    /// - Throws: when a file with a secret cannot be read.
    func haircutPipeline() throws(SettingsRefusal) -> HaircutPipelineConfiguration {
        HaircutPipelineConfiguration(
            bootstrapServers: kafka.bootstrapServers, groupId: kafka.groupId,
            clientProperties: try clientProperties(),
            topics: HaircutTopics(
                quotes: topics.quotes, surfaces: topics.ivSurfaces, haircuts: topics.haircuts,
                deadLetters: topics.deadLetters),
            clock: clock == .wall ? .wall : .event, assets: assets)
    }

    /// librdkafka's properties for any client of this configuration.
    func clientProperties() throws(SettingsRefusal) -> [String: String] {
        Dictionary(
            try kafka.properties().map { ($0.name, $0.reveal()) }, uniquingKeysWith: { $1 })
    }
}
