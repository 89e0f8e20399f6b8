import Engine
import Haircuts
import Kafka
import Logging
import MemoryLog
import Pipeline
import Quantities

/// What production is configured to be in the simulation.
enum Production {
    static func worker(
        _ role: Role, _ process: MemoryProcess, _ plan: Plan, _ slot: World.Slot, _ lines: LogLines
    ) throws(KafkaError) -> SimulatedWorker {
        let control = WorkerControl()
        slot.workers += 1
        // A configured instance id comes back with the next start, a random one does not.
        let worker = WorkerName(
            instance: plan.isStatic ? "process-\(slot.number)" : process.name,
            start: "\(slot.workers)", thread: 0, isStatic: plan.isStatic)
        let name = "\(role.rawValue) \(process.name)"
        let log = Logger(label: name) { NotingLog(name: $0, lines: lines) }
        let now = { [log = process.log] in monotonic(log.now) }
        let stepped =
            switch role {
            case .haircut:
                try makeHaircutWorker(
                    configuration(plan, role), name: worker, clients: process, now: now,
                    control: control, log: log)
            case .margin:
                try makeMarginWorker(
                    configuration(plan, role), name: worker, clients: process, now: now,
                    control: control, log: log)
            }
        return SimulatedWorker(role, name: name, worker: stepped)
    }

    private static func configuration(
        _ plan: Plan, _ role: Role
    ) -> PipelineConfiguration {
        PipelineConfiguration(
            bootstrapServers: "memory", groupId: "breakwater", topics: topics, clock: plan.clock,
            delivery: role == .margin ? plan.marginDelivery : plan.delivery, assets: assets,
            margin: margin)
    }

    static let margin = MarginConfiguration(valuationCurrency: Identifier("USD") ?? .unnamed)

    private static let topics: PipelineTopics = {
        var topics = PipelineTopics()
        topics.quotes = TopicName.quotes.rawValue
        topics.surfaces = TopicName.surfaces.rawValue
        topics.positions = TopicName.positions.rawValue
        topics.controls = TopicName.controls.rawValue
        topics.haircuts = TopicName.haircuts.rawValue
        topics.requirements = TopicName.requirements.rawValue
        topics.alerts = TopicName.alerts.rawValue
        topics.breakers = TopicName.breakers.rawValue
        topics.exposures = TopicName.exposures.rawValue
        topics.checkpoints = TopicName.checkpoints.rawValue
        topics.deadLetters = TopicName.deadLetters.rawValue
        return topics
    }()

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
