import Engine
import Haircuts
import Kafka
import Logging
import Messages
import Quantities

/// The haircuts of one quotes partition.
final class HaircutShardState: ShardState {
    var engine: HaircutShard
    /// What it is restored from, as far as it is read.
    var stored = StoredCheckpoints()

    init(partition: Int32, engine: HaircutShard) {
        self.engine = engine
        super.init(partition: partition)
    }
}

/// Quotes, surfaces, exposures and controls in; haircut tables and breaker changes out.
///
/// Restored from `breakwater.checkpoints.v1`, which alone sets the position in quotes. Tables are
/// read again from their start: below the position that the checkpoint names they are given to the
/// shard silently, from there on they are applied in order with the quotes.
final class HaircutStage: WorkerStage {
    static let role = "haircut"

    let topics: PipelineTopics
    let log: Logger
    var shards: [HaircutShardState] = []
    private let assets: [AssetConfiguration]
    private let parametersHash: @Sendable (AssetConfiguration) -> String
    private var work = HaircutWork()
    private var checkpointDecoder = CheckpointDecoder()
    private var unlisted = ReportedNames()
    /// Partitions of the quotes topic.
    private var leadCount: Int32 = 1

    init(_ configuration: PipelineConfiguration, log: Logger) {
        topics = configuration.topics
        assets = configuration.assets
        parametersHash = configuration.parametersHash
        self.log = log
    }

    var counters: WorkerCounters {
        get { work.counters }
        _modify { yield &work.counters }
    }
    var leadTopic: String { topics.quotes }
    var copartitioned: [String] { topics.market.filter { $0 != topics.quotes } }
    /// Without quotes a shard has nothing to say, and says nothing.
    var servingWait: ServingWait? { nil }
    var others: [String] { [topics.controls, topics.positions, topics.deadLetters] }
    var refreshesPerSecond: Double { 0 }

    func makeShard(_ partition: Int32, _ counts: PartitionCounts) -> HaircutShardState {
        leadCount = Int32(clamping: max(1, counts[topics.quotes]))
        return HaircutShardState(
            partition: partition,
            engine: HaircutShard(
                assets: assets, exposureShards: counts[topics.positions],
                hash: parametersHash))
    }

    // MARK: Restoring

    func ownOutputs(of partition: Int32, _ counts: PartitionCounts) -> [TopicPartition] {
        [TopicPartition(topics.checkpoints, partition)]
    }

    func restore(_ record: Record, from source: TopicPartition) {
        guard let shard = shards.first(where: { $0.partition == source.partition }),
            !shard.isServing
        else { return }
        shard.stored.take(record, decoder: checkpointDecoder)
    }

    func conclude(_ shard: HaircutShardState, _ counts: PartitionCounts) throws(KafkaError) {
        defer { shard.stored = StoredCheckpoints() }
        if let fault = shard.stored.faults.values.first {
            throw workerRefusal(
                "a checkpoint of \(topics.quotes) partition \(shard.partition) cannot be read: "
                    + fault)
        }
        for baselines in shard.stored.baselines.values { shard.engine.restore(baselines) }
        for asset in shard.stored.assets.values { shard.engine.restore(asset) }
        guard let position = shard.stored.partition else { return }
        for (topic, stored) in [
            (topics.quotes, position.quotesPartitions),
            (topics.positions, position.positionsPartitions),
        ] where counts[topic] != Int(stored) {
            throw workerRefusal(
                "the checkpoint of \(topics.quotes) partition \(shard.partition) was written with "
                    + "\(stored) partitions of \(topic), and now there are \(counts[topic]): keys "
                    + "have moved and would be counted twice; go back to \(stored) partitions, or "
                    + "begin anew with new topics and another kafka.groupId")
        }
        shard.engine.restore(position)
        shard.positions[TopicPartition(topics.quotes, shard.partition)] = position.nextOffset
        for input in position.inputs {
            shard.positions[TopicPartition(input.topic, input.partition)] = input.nextOffset
        }
    }

    func serve(_ slot: Int, into effects: EffectBatch) {}

    /// What one record causes here is small.
    func spill(by deliver: @escaping () -> Bool) {}

    // MARK: Inputs

    func inputs(_ counts: PartitionCounts) -> [InputPlan] {
        let controls = counts.partitions(of: topics.controls).map { source in
            let positions = shards.map { $0.positions[source] ?? 0 }
            let isAllServing = shards.allSatisfy(\.isServing)
            return InputPlan(
                kind: .controls, source: source, slot: nil,
                start: isAllServing ? positions.min() : nil, restoreUntil: positions,
                holders: Set(shards.indices.filter { shards[$0].isServing }))
        }
        return controls
            + shards.enumerated().flatMap { slot, shard in
                let tables: [(InputKind, String)] = [
                    (.exposures, topics.exposures), (.surfaces, topics.surfaces),
                ]
                let quotes = TopicPartition(topics.quotes, shard.partition)
                return tables.map { kind, topic in
                    let source = TopicPartition(topic, shard.partition)
                    let position = shard.positions[source]
                    return InputPlan(
                        kind: kind, source: source, slot: slot,
                        start: shard.isServing ? position : nil, restoreUntil: [position ?? 0])
                } + [
                    InputPlan(
                        kind: .quotes, source: quotes, slot: slot, start: shard.positions[quotes],
                        restoreUntil: [0])
                ]
            }
    }

    func apply(_ record: Record, from input: Input, into effects: EffectBatch) {
        switch input.kind {
        case .quotes: applyQuote(record, from: input, into: effects)
        case .surfaces: applySurface(record, from: input, into: effects)
        case .exposures: applyExposure(record, from: input, into: effects)
        case .controls: applyControl(record, from: input, into: effects)
        case .positions, .haircuts: break
        }
    }

    private func applyQuote(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        guard let slot = input.slot else { return }
        let shard = shards[slot]
        do throws(Refusal) {
            let disposition = try work.applyQuote(record, from: input, to: shard, in: effects)
            if disposition != .applied { count(disposition) { work.decoders.quote.asset } }
        } catch {
            refuse(record, from: input, into: effects, error)
        }
    }

    private func applySurface(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        guard let slot = input.slot else { return }
        let isKnown = input.isKnown(record.offset, to: slot)
        if !isKnown { counters.surfaces += 1 }
        do throws(Refusal) {
            try work.decoders.decodeSurface(record.payload, record.name, record.time)
        } catch {
            if !isKnown { refuse(record, from: input, into: effects, error) }
            return
        }
        let shard = shards[slot]
        do throws(SurfaceRefusal) {
            if isKnown {
                _ = try shard.engine.restore(work.decoders.surface)
                return
            }
            let disposition = try work.give(record, to: shard, in: effects) {
                (decoders, engine, output) throws(SurfaceRefusal) in
                try engine.apply(decoders.surface, cause: input.cause(record), to: &output)
            }
            count(disposition) { work.decoders.surface.asset }
        } catch {
            guard !isKnown else { return }
            refuse(record, from: input, into: effects, .apply, error.reason.rawValue, error.message)
        }
    }

    private func applyExposure(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        guard let slot = input.slot else { return }
        let isKnown = input.isKnown(record.offset, to: slot)
        if !isKnown { counters.exposures += 1 }
        // A tombstone: its shard is gone, and its last ladders age.
        guard record.value != nil else { return }
        do throws(Refusal) {
            try work.decoders.decodeExposure(record.payload, record.name, record.time)
        } catch {
            if !isKnown { refuse(record, from: input, into: effects, error) }
            return
        }
        let shard = shards[slot]
        if isKnown {
            _ = shard.engine.restore(work.decoders.exposure)
            return
        }
        let asset = work.decoders.exposure.asset
        let before = shard.engine.governorOvershoot(of: asset)
        let disposition = work.give(record, to: shard, in: effects) { decoders, engine, output in
            engine.apply(decoders.exposure, cause: input.cause(record), to: &output)
        }
        count(disposition) { asset }
        guard disposition != .unlisted else { return }
        // Also 0: a series that is there tells that nothing was forced beyond.
        counters.governorOvershoot[asset, default: 0] +=
            shard.engine.governorOvershoot(of: asset) - before
    }

    /// Every worker reads all controls: of a refusal, the one speaks that has the quotes partition
    /// that the control's partition falls to.
    private func applyControl(
        _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        let news = shards.indices.filter { !input.isKnown(record.offset, to: $0) }
        if !news.isEmpty { counters.controls += 1 }
        let isOwn = news.contains { self.isOwn(record, of: input, at: $0) }
        do throws(Refusal) {
            guard record.value != nil else {
                let key = try ControlDecoder.decodeKey(record.name)
                return withdraw(key, record, from: input, into: effects)
            }
            try work.decoders.decodeControl(record.payload, record.name, record.time)
        } catch {
            if isOwn { refuse(record, from: input, into: effects, error) }
            return
        }
        var refusal: ControlRefusal?
        for (slot, shard) in shards.enumerated()
        where !input.isHeld(record.offset, by: slot) {
            do throws(ControlRefusal) {
                if input.isBeforeServing(record.offset) {
                    _ = try shard.engine.restore(work.decoders.control)
                    continue
                }
                count(
                    try work.give(record, to: shard, in: effects) {
                        (decoders, engine, output) throws(ControlRefusal) in
                        try engine.apply(
                            decoders.control, cause: input.cause(record), to: &output)
                    })
            } catch {
                refusal = error
            }
        }
        guard let refusal, isOwn else { return }
        refuse(record, from: input, into: effects, .apply, refusal.code, refusal.description)
    }

    /// Whether a shard is the one that buries a record of an input.
    private func isOwn(_ record: Record, of input: Input, at slot: Int) -> Bool {
        input.slot == slot || shards[slot].partition == record.partition % leadCount
    }

    private func withdraw(
        _ key: Control.Key, _ record: Record, from input: Input, into effects: EffectBatch
    ) {
        for (slot, shard) in shards.enumerated()
        where !input.isHeld(record.offset, by: slot) {
            if input.isBeforeServing(record.offset) {
                shard.engine.restoreWithdrawal(of: key)
                continue
            }
            count(
                work.give(record, to: shard, in: effects) { _, engine, output in
                    engine.withdraw(key, cause: input.cause(record), to: &output)
                })
        }
    }

    private func count(_ disposition: Disposition, asset: () -> Identifier? = { nil }) {
        switch disposition {
        case .applied: counters.applied += 1
        case .sequenceReset:
            counters.applied += 1
            counters.sequenceResets += 1
        case .duplicate: counters.duplicates += 1
        case .unlisted:
            counters.unlisted += 1
            guard let name = asset(), unlisted.isNew(name) else { return }
            log.warning("asset \(name) is not in the configuration: no haircut, weight 0")
        }
    }

    func refuse(
        _ record: Record, from input: Input, code: String, message: String,
        into effects: EffectBatch
    ) {
        let news = shards.indices.filter { slot in
            !input.isKnown(record.offset, to: slot) && (input.slot ?? slot) == slot
        }
        guard news.contains(where: { isOwn(record, of: input, at: $0) }) else { return }
        refuse(record, from: input, into: effects, .apply, code, message)
    }

    private func refuse(
        _ record: Record, from input: Input, into effects: EffectBatch, _ refusal: Refusal
    ) {
        refuse(
            record, from: input, into: effects, .decode, refusal.code.rawValue, refusal.description)
    }

    private func refuse(
        _ record: Record, from input: Input, into effects: EffectBatch,
        _ stage: DeadLetter.Stage, _ code: String, _ message: String
    ) {
        counters.refusals[code, default: 0] += 1
        effects.bury(record, from: input.source, stage: stage, code: code, message: message)
    }

    // MARK: Time and state

    func time(of slot: Int) -> Instant? { shards[slot].engine.time }

    func apply(timer: Instant, to slot: Int, into effects: EffectBatch) {
        work.give(nil, to: shards[slot], in: effects) { _, engine, output in
            engine.apply(timer: timer, to: &output)
        }
    }

    func refresh(_ slot: Int, atMost count: Int, into effects: EffectBatch) -> Int { 0 }

    func writeCheckpoints(_ counts: PartitionCounts, into batch: EffectBatch) {
        for shard in shards where shard.hasProgress {
            let partition = shard.partition
            for touched in shard.engine.takeTouched() {
                guard let state = shard.engine.checkpoint(of: touched.asset) else { continue }
                batch.append(
                    to: .checkpoints, partition: partition, time: nil, cause: nil
                ) {
                    $0.append(touched.asset)
                } value: {
                    $0.write(state)
                }
                guard touched.hasClosedSample,
                    let baselines = shard.engine.baselines(of: touched.asset)
                else { continue }
                batch.append(
                    to: .checkpoints, partition: partition, time: nil, cause: nil
                ) {
                    $0.appendBaselinesKey(touched.asset)
                } value: {
                    $0.write(baselines)
                }
            }
            let position = position(of: shard, counts)
            batch.append(to: .checkpoints, partition: partition, time: nil, cause: nil) {
                $0.appendPartitionKey(partition)
            } value: {
                $0.write(position)
            }
        }
    }

    private func position(
        of shard: HaircutShardState, _ counts: PartitionCounts
    ) -> PartitionCheckpoint {
        let quotes = TopicPartition(topics.quotes, shard.partition)
        return PartitionCheckpoint(
            partition: shard.partition, nextOffset: shard.positions[quotes] ?? 0,
            time: shard.engine.time, quotesPartitions: Int32(clamping: counts[topics.quotes]),
            positionsPartitions: Int32(clamping: counts[topics.positions]),
            inputs: shard.positions.filter { $0.key != quotes }.sorted { $0.key < $1.key }
                .prefix(PartitionCheckpoint.mostInputs).map {
                    PartitionCheckpoint.InputPosition(
                        topic: $0.key.topic, partition: $0.key.partition, nextOffset: $0.value)
                })
    }
}

extension ControlRefusal {
    fileprivate var code: String {
        switch self {
        case .unknownParameter: "unknown-parameter"
        case .wrongKind: "wrong-kind"
        case .violation: "parameter-violation"
        }
    }
}
