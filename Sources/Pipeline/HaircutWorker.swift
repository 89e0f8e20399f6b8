import Engine
import Haircuts
import Kafka
import Logging
import Market
import Messages
import Quantities

/// One thread's share of the haircut stage: a consumer, a producer and the shards of the quotes
/// partitions the group gave it.
///
/// At-least-once: input offsets are committed after everything they caused was acknowledged.
/// Outputs of one window go out under one delivery tag while the next window is filled under the
/// other, so that waiting for acknowledgements does not stop the stream.
///
/// Made, stepped and finished on one thread. It reads no clock and starts no thread of its own, so
/// that many can be driven by turns in virtual time.
package final class HaircutWorker {
    private let configuration: HaircutPipelineConfiguration
    private let log: Logger
    private let consumer: any LogConsumer
    private let producer: any LogProducer
    private let now: () -> ContinuousClock.Instant
    private var output: HaircutOutput
    private var shards: [PartitionShard] = []
    private var decoders = Decoders()
    private var spareBatches: [RecordBatch] = []
    private var counters = WorkerCounters()
    private var reportedAssets: Set<String> = []
    private let control: WorkerControl

    /// Positions whose outputs are on their way, and the tag of those.
    private var pending: (offsets: [CommittedOffset], tag: Int)?
    private var hasProgress = false
    private var windowStart: ContinuousClock.Instant
    private var isBusy = false
    private var failure: KafkaError?
    /// What the group gave and where it begins, until its queues are there.
    private var assigned: [TopicPartitionOffset]?
    /// Shards given back, with the position they had come to.
    private var parked: [Int32: (engine: HaircutShard, nextOffset: Int64)] = [:]
    /// Partitions whose position is gone.
    private var lost: Set<TopicPartition> = []
    /// Drained for good, or at a fault that nothing may be committed past.
    private var hasEnded = false

    static let windowLength = Duration.milliseconds(100)
    static let recordsPerTurn = 2_000
    static let batchCapacity = 1_000
    /// Together, and with a request under way, less than the 10 s a process has to leave.
    static let drainLimit = Duration.seconds(4)
    static let leaveLimit = Duration.seconds(3)
    static let requestLimit = Duration.seconds(2)

    /// - Parameters:
    ///   - clients: make what it reads and writes with.
    ///   - now: monotonic time.
    package init(
        _ configuration: HaircutPipelineConfiguration, clients: any LogClients,
        now: @escaping () -> ContinuousClock.Instant, control: WorkerControl, log: Logger
    ) throws(KafkaError) {
        self.configuration = configuration
        self.log = log
        self.control = control
        self.now = now
        windowStart = now()
        consumer = try clients.makeConsumer(
            .consumer(
                bootstrapServers: configuration.bootstrapServers,
                groupId: configuration.groupId + "-haircut",
                properties: configuration.clientProperties))
        var properties = configuration.clientProperties
        // An outage is waited out, however long; what cannot be delivered at all fails at once.
        properties["message.timeout.ms"] = properties["message.timeout.ms"] ?? "0"
        producer = try clients.makeProducer(
            .producer(
                bootstrapServers: configuration.bootstrapServers, properties: properties),
            deliveryTags: 2)
        output = try HaircutOutput(producer: producer, topics: configuration.topics)
        output.mayWait = { [control] in !control.isStopped }
        control.attach(consumer.wake)
        try consumer.subscribe([configuration.topics.quotes])
    }

    /// Serves until it is stopped, then drains, commits and leaves the group.
    ///
    /// - Throws: when the worker cannot go on; it is closed then, nothing past the fault is
    ///   committed, and another may be started in its place.
    func run() throws(KafkaError) {
        defer { close() }
        while !control.isStopped { try step(upTo: .milliseconds(20)) }
        finish()
    }

    /// One turn of the loop: answers the group, applies a bounded part of what is there, settles
    /// what is due.
    ///
    /// - Parameter wait: the longest wait for something to do, when the last turn left nothing.
    /// - Throws: when the worker cannot go on: drop it, or ``close()`` it.
    package func step(upTo wait: Duration) throws(KafkaError) {
        if !isBusy { consumer.wait(upTo: wait) }
        consumer.poll(owner: self)
        takeAssignment()
        producer.poll(upTo: .zero)
        reportEvents()
        isBusy = try work()
        try settleWindow()
        control.publish(counters)
    }

    /// Waits for what is on its way and commits.
    package func finish() {
        do throws(KafkaError) {
            try drain(within: Self.drainLimit, isLost: false)
        } catch {
            log.warning("\(error): what was not committed is read again")
        }
    }

    /// Leaves the group and frees everything, without waiting for what is on its way.
    package func close() {
        hasEnded = true
        defer { control.publish(counters) }
        for shutdown in [
            consumer.close(owner: self, within: Self.leaveLimit),
            producer.close(within: .seconds(1)),
        ] {
            if case .incomplete(let what) = shutdown {
                log.warning("shut down incompletely: \(what)")
            }
        }
    }

    // MARK: Records

    /// Applies what is there, a bounded part at a time.
    ///
    /// - Returns: whether there may be more at once.
    private func work() throws(KafkaError) -> Bool {
        var applied = 0
        for shard in shards {
            output.partition = shard.partition
            applied += apply(from: shard, atMost: Self.recordsPerTurn)
            if configuration.clock == .wall, let time = shard.dueTimer(now: now()) {
                output.record = nil
                shard.engine.apply(timer: time, to: &output)
                counters.timers += 1
            }
        }
        counters.published = output.published
        counters.caughtUp = shards.count { $0.isCaughtUp }
        if let error = output.failure { throw error }
        if let failure { throw failure }
        try readLostAgain()
        if applied > 0 { hasProgress = true }
        return applied > 0
    }

    private func apply(from shard: PartitionShard, atMost limit: Int) -> Int {
        for input in shard.inputs {
            for fault in input.refill() { handle(fault, of: input) }
        }
        var applied = 0
        while applied < limit, let input = shard.nextInput(), let record = input.head {
            apply(record, of: input, to: shard)
            input.advance()
            applied += 1
            if input.head == nil { break }
        }
        if applied > 0 { shard.noteApplied(at: now()) }
        return applied
    }

    private func apply(_ record: Record, of input: ShardInput, to shard: PartitionShard) {
        let timestamp = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
        let payload = record.value ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let key = record.key ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let cause = Cause.record(
            topic: input.source.topic, partition: record.partition, offset: record.offset)
        output.record = record
        switch input.kind {
        case .quotes:
            counters.quotes += 1
            do throws(Refusal) {
                try decoders.decodeQuote(payload, key, timestamp)
            } catch {
                refuse(record, of: input, .decode, error.code.rawValue, error.description)
                return
            }
            count(shard.engine.apply(decoders.quote, cause: cause, to: &output)) {
                "\(decoders.quote.asset)"
            }
        case .surfaces:
            counters.surfaces += 1
            do throws(Refusal) {
                try decoders.decodeSurface(payload, key, timestamp)
            } catch {
                refuse(record, of: input, .decode, error.code.rawValue, error.description)
                return
            }
            do throws(SurfaceRefusal) {
                count(try shard.engine.apply(decoders.surface, cause: cause, to: &output)) {
                    "\(decoders.surface.asset)"
                }
            } catch {
                refuse(record, of: input, .apply, error.reason.rawValue, error.message)
            }
        }
    }

    private func count(_ disposition: Disposition, asset: () -> String) {
        switch disposition {
        case .applied: counters.applied += 1
        case .sequenceReset:
            counters.applied += 1
            counters.sequenceResets += 1
        case .duplicate: counters.duplicates += 1
        case .unlisted:
            counters.unlisted += 1
            let name = asset()
            // Bounded: names come from the bus.
            if reportedAssets.count < 1_000, reportedAssets.insert(name).inserted {
                log.warning("asset \(name) is not in the configuration: no haircut, weight 0")
            }
        }
    }

    private func refuse(
        _ record: Record, of input: ShardInput, _ stage: DeadLetter.Stage, _ code: String,
        _ message: String
    ) {
        counters.refusals[code, default: 0] += 1
        output.bury(record, from: input.source, stage: stage, code: code, message: message)
    }

    // MARK: Faults

    private func handle(_ fault: PartitionFailure, of input: ShardInput) {
        let codes = [KafkaError.Code.offsetReset, KafkaError.Code.offsetOutOfRange]
        guard codes.contains(fault.error.code) else {
            log.error("\(fault.error)")
            return
        }
        counters.offsetResets += 1
        log.error(
            """
            the position in \(input.source) is gone (\(fault.error.reason)): reading again from \
            the oldest record there is
            """
        )
        lost.insert(input.source)
    }

    /// Assigns all partitions anew, those whose position is gone from their oldest record.
    ///
    /// librdkafka 2.0.2 does not seek in a partition that has stopped at such an error.
    private func readLostAgain() throws(KafkaError) {
        guard !lost.isEmpty else { return }
        let starts = shards.flatMap { shard in
            shard.inputs.map {
                TopicPartitionOffset($0.source, lost.contains($0.source) ? .beginning : $0.position)
            }
        }
        lost = []
        let engines = Dictionary(uniqueKeysWithValues: shards.map { ($0.partition, $0.engine) })
        spareBatches += shards.flatMap { $0.inputs.map(\.batch) }
        try consumer.assign(starts)
        shards = makeShards(starts) { engines[$0] ?? HaircutShard(assets: configuration.assets) }
    }

    private func reportEvents() {
        for event in consumer.takeEvents() + producer.takeEvents() {
            switch event {
            case .failure(let error):
                log.warning("\(error)")
            case .undelivered(_, _, let error):
                failure = failure ?? error
            case .committed(_, let error):
                if let error { log.warning("\(error)") }
            case .statistics:
                break
            }
        }
    }

    // MARK: Delivery

    /// Commits a window whose outputs are acknowledged, and closes the present one when it is
    /// time.
    private func settleWindow() throws(KafkaError) {
        if let pending, producer.deliveries(tag: pending.tag).outstanding == 0 {
            try check(pending.tag)
            producer.resetDeliveries(tag: pending.tag)
            self.pending = nil
            do throws(KafkaError) {
                try consumer.commitLater(pending.offsets)
                counters.commits += 1
            } catch {
                log.warning("\(error)")
            }
        }
        let now = now()
        guard pending == nil, hasProgress, now - windowStart >= Self.windowLength else { return }
        pending = (positions(), output.tag)
        output.tag = 1 - output.tag
        hasProgress = false
        windowStart = now
    }

    private func check(_ tag: Int) throws(KafkaError) {
        let deliveries = producer.deliveries(tag: tag)
        guard deliveries.failed > 0 else { return }
        throw KafkaError(
            code: deliveries.lastFailureCode,
            operation: "deliver \(deliveries.failed) outputs")
    }

    private func positions() -> [CommittedOffset] {
        shards.flatMap { shard in
            shard.inputs.compactMap { input in
                // Surfaces are a table: read from its start each time, its position is not kept.
                guard input.kind == .quotes, let next = input.nextOffset else { return nil }
                return CommittedOffset(input.source, next)
            }
        }
    }

    /// Waits for all acknowledgements and commits the positions, unless they are another's now.
    private func drain(within limit: Duration, isLost: Bool) throws(KafkaError) {
        pending = nil
        // An output that could not be handed over belongs to a position already passed.
        guard failure == nil, output.failure == nil else { return }
        let end = now() + limit
        let left = try producer.flush(within: limit)
        for tag in 0..<2 { try check(tag) }
        guard left == 0 else {
            log.warning(
                "\(left) outputs were not acknowledged in time: their inputs are read again")
            return
        }
        for tag in 0..<2 { producer.resetDeliveries(tag: tag) }
        let offsets = positions()
        guard !isLost, !offsets.isEmpty else { return }
        try consumer.commit(offsets, within: max(.seconds(1), end - now()))
        counters.commits += 1
    }
}

// MARK: - Rebalance

extension HaircutWorker: PartitionOwner {
    /// With each quotes partition comes the surfaces partition of the same number: the quotes
    /// from where the group left off, the surfaces, a table, from their start.
    package func partitionsAssigned(
        _ partitions: [TopicPartition], to consumer: any LogConsumer
    ) -> [TopicPartitionOffset] {
        let committed = startOffsets(of: partitions, in: consumer)
        let starts = partitions.flatMap { quotes in
            [
                TopicPartitionOffset(quotes, committed[quotes] ?? .beginning),
                TopicPartitionOffset(
                    TopicPartition(configuration.topics.surfaces, quotes.partition), .beginning),
            ]
        }
        assigned = starts
        return starts
    }

    private func startOffsets(
        of partitions: [TopicPartition], in consumer: any LogConsumer
    ) -> [TopicPartition: StartOffset] {
        do throws(KafkaError) {
            let committed = try consumer.committed(partitions, within: Self.requestLimit)
            return Dictionary(
                committed.map { ($0.topicPartition, .at($0.offset)) }, uniquingKeysWith: { $1 })
        } catch {
            // The group's own answer is asked for again when the partition is read.
            log.warning("\(error)")
            return Dictionary(partitions.map { ($0, .stored) }, uniquingKeysWith: { $1 })
        }
    }

    package func partitionsRevoked(
        _ partitions: [TopicPartition], lost: Bool, from consumer: any LogConsumer
    ) {
        assigned = nil
        self.lost = []
        guard !shards.isEmpty else { return }
        log.info("giving back quotes partitions \(partitions.map(\.partition).sorted())")
        if !hasEnded {
            do throws(KafkaError) {
                try drain(within: Self.drainLimit, isLost: lost)
            } catch {
                log.warning("\(error)")
            }
        }
        hasProgress = false
        for shard in shards {
            guard let next = shard.inputs.first(where: { $0.kind == .quotes })?.nextOffset
            else { continue }
            parked[shard.partition] = (shard.engine, next)
        }
        spareBatches += shards.flatMap { $0.inputs.map(\.batch) }
        shards = []
        counters.partitions = []
    }

    /// Makes the shards of a new assignment, once its queues are there.
    private func takeAssignment() {
        guard let starts = assigned, !consumer.queues.isEmpty else { return }
        assigned = nil
        shards = makeShards(starts) { partition in
            let quotes = TopicPartition(configuration.topics.quotes, partition)
            let start = starts.first { $0.topicPartition == quotes }?.start
            return engine(of: partition, from: start)
        }
        parked = [:]
        counters.partitions = shards.map(\.partition)
        log.info("serving quotes partitions \(counters.partitions)")
    }

    /// A shard for each quotes partition that is assigned, over the consumer's present queues.
    private func makeShards(
        _ starts: [TopicPartitionOffset], _ engine: (Int32) -> HaircutShard
    ) -> [PartitionShard] {
        let partitions = Set(starts.map(\.topicPartition.partition)).sorted()
        return partitions.compactMap { partition in
            // Surfaces first: of two records of one time, the surface is applied first.
            let topics: [(ShardInput.Kind, String)] = [
                (.surfaces, configuration.topics.surfaces), (.quotes, configuration.topics.quotes),
            ]
            let inputs = topics.compactMap { kind, topic -> ShardInput? in
                let source = TopicPartition(topic, partition)
                guard let queue = consumer.queue(of: source),
                    let start = starts.first(where: { $0.topicPartition == source })?.start
                else { return nil }
                return ShardInput(kind, queue: queue, from: start, batch: takeBatch())
            }
            guard inputs.count == topics.count else { return nil }
            return PartitionShard(
                partition: partition, engine: engine(partition), clock: configuration.clock,
                now: now(),
                inputs: inputs)
        }
    }

    /// The parked shard if nobody has gone on from where it was; otherwise a new one.
    private func engine(of partition: Int32, from start: StartOffset?) -> HaircutShard {
        if let own = parked[partition], start == .at(own.nextOffset) { return own.engine }
        return HaircutShard(assets: configuration.assets)
    }

    private func takeBatch() -> RecordBatch {
        spareBatches.popLast() ?? consumer.makeBatch(capacity: Self.batchCapacity)
    }
}
