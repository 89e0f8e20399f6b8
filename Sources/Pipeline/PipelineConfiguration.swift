import Haircuts

/// The topics that haircut workers read and write.
public struct HaircutTopics: Hashable, Sendable {
    public var quotes: String
    public var surfaces: String
    public var haircuts: String
    public var deadLetters: String

    public init(quotes: String, surfaces: String, haircuts: String, deadLetters: String) {
        self.quotes = quotes
        self.surfaces = surfaces
        self.haircuts = haircuts
        self.deadLetters = deadLetters
    }

    /// Topics whose partitions of one number belong to one shard.
    public var copartitioned: [String] { [quotes, surfaces, haircuts] }
}

/// Whether time passes between records.
public enum PipelineClock: String, CaseIterable, Sendable {
    /// A shard that has read all its inputs is given timers: newest time + monotonic time since.
    case wall
    /// Time is that of the records alone, at whatever speed they come.
    case event
}

/// What haircut workers need to know.
public struct HaircutPipelineConfiguration: Sendable {
    public var bootstrapServers: String
    /// Of the consumer group; `-haircut` is appended.
    public var groupId: String
    /// librdkafka's properties for every client: security, and what the operator adds.
    public var clientProperties: [String: String]
    public var topics: HaircutTopics
    public var clock: PipelineClock
    public var assets: [AssetConfiguration]

    public init(
        bootstrapServers: String, groupId: String, clientProperties: [String: String] = [:],
        topics: HaircutTopics, clock: PipelineClock, assets: [AssetConfiguration]
    ) {
        self.bootstrapServers = bootstrapServers
        self.groupId = groupId
        self.clientProperties = clientProperties
        self.topics = topics
        self.clock = clock
        self.assets = assets
    }
}
