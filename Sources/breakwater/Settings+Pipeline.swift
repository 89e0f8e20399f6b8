import Engine
import Foundation
import Kafka
import Operations
import Pipeline

extension Settings {
    /// What the pipeline needs of the configuration.
    ///
    /// - Throws: when a file with a secret cannot be read.
    func pipeline() throws(SettingsRefusal) -> PipelineConfiguration {
        var configuration = PipelineConfiguration(
            bootstrapServers: kafka.bootstrapServers, groupId: kafka.groupId,
            instanceId: kafka.instanceId, clientProperties: try clientProperties(),
            topics: pipelineTopics,
            clock: clock == .wall ? .wall : .event,
            delivery: delivery == .exactlyOnce ? .exactlyOnce : .atLeastOnce, assets: assets,
            margin: MarginConfiguration(valuationCurrency: valuationCurrency, parameters: margin))
        configuration.parametersHash = { $0.computedParametersHash }
        configuration.crashFolder = crashFolder
        return configuration
    }

    private var crashFolder: String {
        guard crashGuard.folder.isEmpty else { return crashGuard.folder }
        let name = TopicPartition("\(kafka.bootstrapServers) \(kafka.groupId)", 0).stableHash
        return FileManager.default.temporaryDirectory
            .appending(path: "breakwater-\(String(name, radix: 16))").path
    }

    private var pipelineTopics: PipelineTopics {
        var names = PipelineTopics()
        names.quotes = topics.quotes
        names.surfaces = topics.ivSurfaces
        names.positions = topics.positions
        names.controls = topics.controls
        names.haircuts = topics.haircuts
        names.requirements = topics.marginRequirements
        names.alerts = topics.liquidationAlerts
        names.breakers = topics.breakers
        names.exposures = topics.exposures
        names.checkpoints = topics.checkpoints
        names.deadLetters = topics.deadLetters
        return names
    }

    /// librdkafka's properties for any client of this configuration.
    func clientProperties() throws(SettingsRefusal) -> [String: String] {
        Dictionary(
            try kafka.properties().map { ($0.name, $0.reveal()) }, uniquingKeysWith: { $1 })
    }
}
