import Engine
import Haircuts
import Kafka
import Logging
import Margin
import Market
import Messages
import Quantities

/// The accounts of one positions partition.
final class MarginShardState: ShardState {
    var engine: MarginShard

    init(partition: Int32, engine: MarginShard) {
        self.engine = engine
        super.init(partition: partition)
    }
}

/// Positions, haircut tables and surfaces in; requirements, alerts and exposures out.
///
/// Level-triggered: restored from the tables as they are now and from its own last outputs, a shard
/// begins by publishing the difference.
final class MarginStage: WorkerStage {
    static let role = "margin"

    let topics: PipelineTopics
    let log: Logger
    var shards: [MarginShardState] = []
    var counters = WorkerCounters()
    private let margin: MarginConfiguration
    private let listed: [Identifier]
    private var decoders = MarginDecoders()
    private var output: MarginOutput
    private var unknown = ReportedNames()

    init(_ configuration: PipelineConfiguration, log: Logger) {
        topics = configuration.topics
        margin = configuration.margin
        listed = configuration.assets.map(\.asset)
        self.log = log
        output = MarginOutput()
    }

    var leadTopic: String { topics.positions }
    var copartitioned: [String] { topics.accounts.filter { $0 != topics.positions } }
    var others: [String] {
        [topics.haircuts, topics.surfaces, topics.exposures, topics.deadLetters]
    }
    var refreshesPerSecond: Double { margin.parameters.refreshesPerSecond }

    func spill(by deliver: @escaping () -> Bool) { output.spill = deliver }

    func makeShard(_ partition: Int32, _ counts: PartitionCounts) -> MarginShardState {
        output.exposurePartitions = Int32(clamping: max(1, counts[topics.exposures]))
        return MarginShardState(
            partition: partition,
            engine: MarginShard(
                margin, shard: partition, shardCount: max(1, counts[topics.positions]),
                expected: listed))
    }

    /// Accounts must not be called for collateral that only has no price yet.
    var servingWait: ServingWait? {
        let new = shards.filter { !$0.isServing }
        // A restart keeps nobody waiting for an asset that has no table for longer.
        guard new.allSatisfy(\.engine.isCold) else { return nil }
        let held = new.reduce(into: Set<Identifier>()) { $0.formUnion($1.engine.awaitedHeld) }
        if !held.isEmpty { return ServingWait(tables: held.sorted(), isBounded: true) }
        // The first accounts may come before the first tables; nobody is kept waiting till then.
        let isEarly = new.allSatisfy { !$0.engine.awaited.isEmpty && $0.engine.isBlank }
        guard isEarly else { return nil }
        return ServingWait(
            tables: [], isBounded: new.contains { $0.engine.awaited.count < listed.count })
    }

    // MARK: Restoring

    func ownOutputs(of partition: Int32, _ counts: PartitionCounts) -> [TopicPartition] {
        [TopicPartition(topics.requirements, partition)] + counts.partitions(of: topics.exposures)
    }

    func restore(_ record: Record, from source: TopicPartition) {
        guard record.value != nil else { return }
        do throws(Refusal) {
            if source.topic == topics.requirements {
                guard let shard = newShard(source.partition) else { return }
                try decoders.decodeRequirement(record)
                shard.engine.restore(decoders.requirement)
            } else {
                let key = try Exposure.Key(recordKey: record.name)
                guard let shard = newShard(key.shard) else { return }
                try decoders.decodeExposure(record)
                shard.engine.restore(decoders.exposure)
            }
        } catch {
            reportUnreadable(record, from: source, error)
        }
    }

    private func newShard(_ partition: Int32) -> MarginShardState? {
        shards.first { $0.partition == partition && !$0.isServing }
    }

    func conclude(_ shard: MarginShardState, _ counts: PartitionCounts) throws(KafkaError) {}

    func serve(_ slot: Int, into effects: EffectBatch) {
        prepare(effects, slot, record: nil)
        shards[slot].engine.serve(to: &output)
        conclude(slot)
        log.info(
            """
            \(topics.positions) partition \(shards[slot].partition): \
            \(shards[slot].engine.accountCount) accounts restored
            """)
    }

    // MARK: Inputs

    func inputs(_ counts: PartitionCounts) -> [InputPlan] {
        let areAllServing = shards.allSatisfy(\.isServing)
        let tables: [(InputKind, String)] = [
            (.haircuts, topics.haircuts), (.surfaces, topics.surfaces),
        ]
        let broadcast = tables.flatMap { kind, topic in
            counts.partitions(of: topic).map { source in
                let positions = shards.map { $0.isServing ? $0.positions[source] ?? 0 : 0 }
                return InputPlan(
                    kind: kind, source: source, slot: nil,
                    start: areAllServing ? positions.min().flatMap { $0 > 0 ? $0 : nil } : nil,
                    restoreUntil: positions, restoresToEnd: !areAllServing)
            }
        }
        return broadcast
            + shards.enumerated().map { slot, shard in
                let source = TopicPartition(topics.positions, shard.partition)
                let position = shard.isServing ? shard.positions[source] : nil
                return InputPlan(
                    kind: .positions, source: source, slot: slot, start: position,
                    restoreUntil: [position ?? shard.committed ?? 0],
                    restoresToEnd: !shard.isServing)
            }
    }

    func apply(_ record: Record, from input: Input, into effects: EffectBatch) {
        switch input.kind {
        case .positions: applyPositions(record, from: input, into: effects)
        case .haircuts: applyHaircuts(record, from: input, into: effects)
        case .surfaces: applySurface(record, from: input, into: effects)
        case .quotes, .exposures, .controls: break
        }
    }

    private func applyPositions(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        guard let slot = input.slot else { return }
        counters.positions += 1
        prepare(effects, slot, record: record)
        defer { conclude(slot) }
        do throws(Refusal) {
            guard record.value != nil else {
                let account = try Identifier(recordKey: record.name)
                return count(
                    shards[slot].engine.close(account, cause: input.cause(record), to: &output))
            }
            try decoders.decodePositions(record)
        } catch {
            return refuse(record, from: input, .decode, error.code.rawValue, error.description)
        }
        do throws(MarginRefusal) {
            count(
                try shards[slot].engine.apply(
                    decoders.positions, cause: input.cause(record), to: &output))
        } catch {
            refuse(record, from: input, .apply, error.reason.rawValue, error.message)
        }
    }

    /// The haircut stage's own: what cannot be read is counted and said, not buried.
    private func applyHaircuts(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        counters.haircuts += 1
        guard record.value != nil else { return }
        do throws(Refusal) {
            try decoders.decodeTable(record)
        } catch {
            return reportUnreadable(record, from: input.source, error)
        }
        for slot in shards.indices where !input.isKnown(record.offset, to: slot) {
            prepare(effects, slot, record: record)
            count(
                shards[slot].engine.apply(decoders.table, cause: input.cause(record), to: &output))
            conclude(slot)
        }
    }

    /// Refused surfaces are buried by the haircut worker that has their partition.
    private func applySurface(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        counters.surfaces += 1
        guard record.value != nil else { return }
        do throws(Refusal) {
            try decoders.decodeSurface(record)
        } catch {
            return
        }
        for slot in shards.indices where !input.isKnown(record.offset, to: slot) {
            prepare(effects, slot, record: record)
            do throws(SurfaceRefusal) {
                count(
                    try shards[slot].engine.apply(
                        decoders.surface, cause: input.cause(record), to: &output))
            } catch {
                // The last good surface stays, as in the haircut stage.
            }
            conclude(slot)
        }
    }

    private func prepare(_ effects: EffectBatch, _ slot: Int, record: Record?) {
        output.batch = effects
        output.record = record
        output.partition = shards[slot].partition
    }

    private func conclude(_ slot: Int) {
        counters.requirements = output.requirements
        counters.alerts = output.alerts
        counters.ladders = output.exposures
        for asset in shards[slot].engine.takeUnknownAssets() where unknown.isNew(asset) {
            counters.unknownAssets += 1
            log.warning("accounts hold \(asset), which has no haircut table: weight 0")
        }
    }

    private func count(_ disposition: Disposition) {
        switch disposition {
        case .applied: counters.applied += 1
        case .sequenceReset:
            counters.applied += 1
            counters.sequenceResets += 1
        case .duplicate: counters.duplicates += 1
        case .unlisted: counters.unlisted += 1
        }
    }

    func refuse(
        _ record: Record, from input: Input, code: String, message: String,
        into effects: EffectBatch
    ) {
        guard let slot = input.slot else { return counters.unreadable += 1 }
        prepare(effects, slot, record: record)
        refuse(record, from: input, .apply, code, message)
    }

    private func refuse(
        _ record: Record, from input: Input, _ stage: DeadLetter.Stage, _ code: String,
        _ message: String
    ) {
        // What was refused before the positions that are committed was buried then.
        guard let slot = input.slot, !input.isKnown(record.offset, to: slot) else { return }
        counters.refusals[code, default: 0] += 1
        output.batch?.bury(
            record, from: input.source, stage: stage, code: code, message: message)
    }

    private func reportUnreadable(
        _ record: Record, from source: TopicPartition, _ refusal: Refusal
    ) {
        counters.unreadable += 1
        guard counters.unreadable <= 100 else { return }
        log.error("\(source) offset \(record.offset) cannot be read: \(refusal)")
    }

    // MARK: Time and state

    func time(of slot: Int) -> Instant? { shards[slot].engine.time }

    func apply(timer: Instant, to slot: Int, into effects: EffectBatch) {
        prepare(effects, slot, record: nil)
        shards[slot].engine.apply(timer: timer, to: &output)
        conclude(slot)
    }

    func refresh(_ slot: Int, atMost count: Int, into effects: EffectBatch) -> Int {
        prepare(effects, slot, record: nil)
        defer { conclude(slot) }
        return shards[slot].engine.refresh(atMost: count, to: &output)
    }

    /// The outputs themselves are what it is restored from.
    func writeCheckpoints(_ counts: PartitionCounts, into batch: EffectBatch) {}
}

/// The decoders of a margin worker and the values they decode into, again and again.
private struct MarginDecoders {
    private var positionsDecoder = PositionsDecoder()
    private var tables = HaircutDecoder()
    private var surfaces = SurfaceDecoder()
    private var requirements = MarginRequirementDecoder()
    private var exposures = ExposureDecoder()
    private(set) var positions = AccountSnapshot.blank
    private(set) var table = HaircutTable.blank
    private(set) var surface = Surface.blank
    private(set) var requirement = MarginRequirement.blank
    private(set) var exposure = Exposure.blank

    mutating func decodePositions(_ record: Record) throws(Refusal) {
        try positionsDecoder.decode(
            record.payload, key: record.name, recordTimestamp: record.time, into: &positions)
    }

    mutating func decodeTable(_ record: Record) throws(Refusal) {
        try tables.decode(
            record.payload, key: record.name, recordTimestamp: record.time, into: &table)
    }

    mutating func decodeSurface(_ record: Record) throws(Refusal) {
        try surfaces.decode(
            record.payload, key: record.name, recordTimestamp: record.time, into: &surface)
    }

    mutating func decodeRequirement(_ record: Record) throws(Refusal) {
        try requirements.decode(
            record.payload, key: record.name, recordTimestamp: record.time, into: &requirement)
    }

    mutating func decodeExposure(_ record: Record) throws(Refusal) {
        try exposures.decode(
            record.payload, key: record.name, recordTimestamp: record.time, into: &exposure)
    }
}
