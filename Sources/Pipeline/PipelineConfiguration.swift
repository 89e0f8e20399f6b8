import Engine
import Haircuts
import Kafka
import Margin
import Quantities

/// The topics that workers read and write, by their names on the bus.
public struct PipelineTopics: Hashable, Sendable {
    public var quotes = "market.quotes.v1"
    public var surfaces = "market.iv-surfaces.v1"
    public var positions = "accounts.positions.v1"
    public var controls = "risk.controls.v1"
    public var haircuts = "risk.haircuts.v1"
    public var requirements = "risk.margin-requirements.v1"
    public var alerts = "risk.liquidation-alerts.v1"
    public var breakers = "risk.breakers.v1"
    public var exposures = "risk.exposures.v1"
    public var checkpoints = "breakwater.checkpoints.v1"
    public var deadLetters = "breakwater.dead-letters.v1"

    /// The contracts' names.
    public init() {}

    /// Topics whose partitions of one number belong to one haircut shard.
    public var market: [String] { [quotes, surfaces, exposures, haircuts, breakers, checkpoints] }

    /// Topics whose partitions of one number belong to one margin shard.
    public var accounts: [String] { [positions, requirements, alerts] }
}

/// Whether time passes between records.
public enum PipelineClock: String, CaseIterable, Sendable {
    /// A shard that has read all its inputs is given timers: newest time + monotonic time since.
    case wall
    /// Time is that of the records alone, at whatever speed they come.
    case event
}

/// What is promised about outputs when something fails.
public enum PipelineDelivery: String, CaseIterable, Sendable {
    /// Outputs, checkpoints and offsets in one transaction: readers of committed records see each
    /// output once.
    case exactlyOnce = "exactly-once"
    /// Outputs, then checkpoints, then offsets: an output may come twice, with the same sequence
    /// and meaning.
    case atLeastOnce = "at-least-once"
}

/// What workers of either role need to know.
public struct PipelineConfiguration: Sendable {
    public var bootstrapServers: String
    /// Of the consumer groups; `-haircut` and `-margin` are appended.
    public var groupId: String
    /// Names this process among those of its groups, across restarts: static membership, and part
    /// of its transactional ids. nil: a random one per start.
    public var instanceId: String?
    /// librdkafka's properties for every client: security, and what the operator adds.
    public var clientProperties: [String: String]
    public var topics: PipelineTopics
    public var clock: PipelineClock
    public var delivery: PipelineDelivery
    public var assets: [AssetConfiguration]
    /// `parametersHash` of a configuration whose parameters a control changed; without it, tables
    /// go on with the hash of what is configured.
    public var parametersHash: @Sendable (AssetConfiguration) -> String = { $0.parametersHash }
    public var margin: MarginConfiguration
    /// Where workers keep which record they are applying, so that one that ends the process twice
    /// is refused from then on; nil: nowhere.
    public var crashFolder: String?

    public init(
        bootstrapServers: String, groupId: String, instanceId: String? = nil,
        clientProperties: [String: String] = [:], topics: PipelineTopics = PipelineTopics(),
        clock: PipelineClock, delivery: PipelineDelivery, assets: [AssetConfiguration],
        margin: MarginConfiguration
    ) {
        self.bootstrapServers = bootstrapServers
        self.groupId = groupId
        self.instanceId = instanceId
        self.clientProperties = clientProperties
        self.topics = topics
        self.clock = clock
        self.delivery = delivery
        self.assets = assets
        self.margin = margin
    }
}

/// Which worker of which process one is.
public struct WorkerName: Hashable, Sendable {
    /// Of the process: the configured instance id, or a random one.
    public var instance: String
    /// Of this start of the worker, different from all others.
    public var start: String
    /// The thread, from 0.
    public var thread: Int
    /// Whether the instance id is configured, so that the next start has it as well.
    public var isStatic: Bool

    public init(instance: String, start: String, thread: Int, isStatic: Bool) {
        self.instance = instance
        self.start = start
        self.thread = thread
        self.isStatic = isStatic
    }
}
