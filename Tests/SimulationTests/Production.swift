import Haircuts
import Kafka
import Logging
import MemoryLog
import Pipeline
import Quantities

/// What production is configured to be in the simulation.
enum Production {
    static func configuration(_ plan: Plan, instance: String) -> HaircutPipelineConfiguration {
        HaircutPipelineConfiguration(
            bootstrapServers: "memory", groupId: "breakwater",
            topics: HaircutTopics(
                quotes: TopicName.quotes.rawValue, surfaces: TopicName.surfaces.rawValue,
                haircuts: TopicName.haircuts.rawValue, deadLetters: TopicName.deadLetters.rawValue),
            clock: plan.clock, assets: assets)
    }

    static func worker(
        _ role: Role, _ process: MemoryProcess, _ plan: Plan, _ slot: World.Slot, _ lines: LogLines
    ) throws(KafkaError) -> SimulatedWorker {
        let control = WorkerControl()
        let name = "\(role.rawValue) \(process.name)"
        let log = Logger(label: name) { NotingLog(name: $0, lines: lines) }
        let worker = try HaircutWorker(
            configuration(plan, instance: process.name), clients: process,
            now: { [log = process.log] in monotonic(log.now) }, control: control, log: log)
        return SimulatedWorker(
            role, name: name, control: control,
            step: { () throws(KafkaError) in try worker.step(upTo: .zero) },
            finish: worker.finish, close: worker.close)
    }

    static let assets: [AssetConfiguration] = Traffic.listed.compactMap(asset)

    private static func asset(_ name: String) -> AssetConfiguration? {
        guard let asset = Identifier(name), let venue = Identifier("house") else { return nil }
        let assetClass: AssetClass = name == "USDE" ? .stable : .major
        var parameters = HaircutParameters(assetClass)
        // Fewer points of the grid cost less time and meet the same rules.
        parameters.notionals = [100_000, 5_000_000].map { FixedDecimal($0) }
        return AssetConfiguration(
            asset: asset, assetClass: assetClass, primaryVenue: venue,
            dailyVolume: FixedDecimal(20_000), depthReference: FixedDecimal(4_000_000),
            systemCollateral: FixedDecimal(50_000_000), parameters: parameters,
            parametersHash: "sha256:" + String(repeating: "0", count: 64))
    }

    static let origin = ContinuousClock.now

    /// The monotonic clock at a virtual time, milliseconds since 1970.
    static func monotonic(_ milliseconds: Int64) -> ContinuousClock.Instant {
        origin + .milliseconds(milliseconds - Plan.start)
    }
}
