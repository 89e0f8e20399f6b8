import Market
import Quantities

/// Everything of one asset that a table of the bus cannot give back: the fold of its quotes, the
/// limiter's path, breaker and governor, and what was published last.
///
/// Plain values. Closed baseline samples are apart (`BaselinesCheckpoint`), because they change
/// every five minutes only; surfaces, exposures and controls are tables and are read again.
/// Restored into an asset of the same configuration, it goes on as if it had never stopped.
public struct AssetCheckpoint: Hashable, Sendable {
    public var asset: Identifier
    package var sources: [PriceSources.Source] = []
    package var reference: FixedDecimal?
    package var confidence = 1.0
    package var peaks: [PriceSources.HourlyPeak] = []
    package var book = PrimaryBook()
    /// The baseline's sample that is still open.
    package var sample: Baseline.Sample?
    package var fast = RealisedVolatility.State()
    package var slow = RealisedVolatility.State()
    /// Steps of the reference that are remembered: seconds of ten, and minutes.
    package var recent: [PriceHistory.Close] = []
    package var minutes: [PriceHistory.Close] = []
    package var columns: [Column] = []
    package var evaluatedAt: Instant?
    /// The record of a control whose effect no table has shown yet.
    package var pendingCause: Cause?
    package var published: Published?
    package var surface: SurfaceMark?
    package var breaker = CircuitBreaker.State()
    package var governor = Governor.State()

    package init(asset: Identifier) { self.asset = asset }

    /// What the contracts' publish triggers compare the next table with.
    package struct Published: Hashable, Sendable {
        package var sequence: Int64 = 0
        package var time = Instant(nanoseconds: 0)
        package var state = BreakerState.normal
        package var price = FixedDecimal.zero
        package var debtPrice = FixedDecimal.zero
        /// Of each tier, the lowest first.
        package var tiers: [TierRatios] = []

        package init() {}
    }

    package struct TierRatios: Hashable, Sendable {
        package var initial: Ratio
        package var maintenance: Ratio

        package init(initial: Ratio, maintenance: Ratio) {
            self.initial = initial
            self.maintenance = maintenance
        }
    }

    /// Which surface was the last good one.
    package struct SurfaceMark: Hashable, Sendable {
        package var sequence: Int64
        package var time: Instant

        package init(sequence: Int64, time: Instant) {
            self.sequence = sequence
            self.time = time
        }
    }
}

/// The closed five-minute samples of one asset's depth and spread, oldest first.
public struct BaselinesCheckpoint: Hashable, Sendable {
    public var asset: Identifier
    package var samples: [Baseline.Sample] = []

    package init(asset: Identifier) { self.asset = asset }
}

/// Where one quotes partition stands.
public struct PartitionCheckpoint: Hashable, Sendable {
    public var partition: Int32
    /// Offset of the first quote that was not applied; ≥ 0.
    public var nextOffset: Int64
    /// Shard time; nil before the first message.
    public var time: Instant?
    /// Partitions of the quotes topic when this was written, > 0: other counts mean other keys.
    public var quotesPartitions: Int32
    /// Partitions of the positions topic, whose shards' exposures are expected; ≥ 0.
    public var positionsPartitions: Int32
    /// Of the tables the shard reads besides, the record to apply next.
    public var inputs: [InputPosition]

    public init(
        partition: Int32, nextOffset: Int64, time: Instant?, quotesPartitions: Int32,
        positionsPartitions: Int32, inputs: [InputPosition] = []
    ) {
        self.partition = partition
        self.nextOffset = nextOffset
        self.time = time
        self.quotesPartitions = quotesPartitions
        self.positionsPartitions = positionsPartitions
        self.inputs = inputs
    }

    /// How far a partition of a table was read.
    public struct InputPosition: Hashable, Sendable {
        public var topic: String
        /// ≥ 0.
        public var partition: Int32
        /// ≥ 0.
        public var nextOffset: Int64

        public init(topic: String, partition: Int32, nextOffset: Int64) {
            self.topic = topic
            self.partition = partition
            self.nextOffset = nextOffset
        }
    }

    /// Most tables' partitions that are read.
    public static let mostInputs = 4_096
}

/// The primary venue's book, as far as the model reads it.
package struct PrimaryBook: Hashable, Sendable {
    /// Of the last book with two sides; nil before the first.
    package var mid: FixedDecimal?
    /// Of the newest book.
    package var time: Instant?
    /// Bids within 2 % of mid, in the valuation currency; 0 when a side is empty.
    package var depth = 0.0
    /// Whether the newest book lacked a side.
    package var hasEmptySide = false
    /// Base units a day as quoted, if ever.
    package var dailyVolume: FixedDecimal?
    package var spread = SpreadStatistics()
    package var lastSpread = 0.0

    package init() {}
}

/// What is remembered for one notional of the grid.
package struct Column: Hashable, Sendable {
    package var notional: FixedDecimal
    /// Limiter positions, unrounded; nil before the first target.
    package var initial: Double?
    package var maintenance: Double?
    /// The scan range downwards, as published; nil before the first.
    package var scan: Double?
    /// Published ticks, before tiers; nil before the first.
    package var initialTick: Ratio?
    package var maintenanceTick: Ratio?

    package init(notional: FixedDecimal) { self.notional = notional }
}
