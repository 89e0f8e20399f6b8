import Kafka

/// What a shard said itself, being read to the end as it was when the assignment came.
final class OwnOutput {
    let queue: any LogQueue
    /// From the oldest offset there is to behind all that predecessors wrote, decided or not.
    let marks: Watermarks
    private(set) var position: Int64

    init(_ queue: any LogQueue, _ marks: Watermarks) {
        self.queue = queue
        self.marks = marks
        position = marks.low
    }

    var source: TopicPartition { queue.topicPartition }
    var isRead: Bool { position >= marks.high }

    /// Takes note of what was read.
    func note(_ batch: RecordBatch) {
        if let end = batch.endOffset { position = max(position, end) }
        if !batch.isEmpty { position = max(position, batch[batch.count - 1].offset + 1) }
    }
}

// MARK: - Rebalance

extension Worker {
    /// Nothing is read before it is known what became of what others did with these partitions.
    func partitionsAssigned(
        _ partitions: [TopicPartition], to consumer: any LogConsumer
    ) -> [TopicPartitionOffset] {
        stage.counters.isAssigned = true
        phase = partitions.isEmpty ? .idle : .settling(partitions.sorted())
        stage.counters.isAssigned = true
        return []
    }

    func partitionsRevoked(
        _ partitions: [TopicPartition], lost isLost: Bool, from consumer: any LogConsumer
    ) {
        defer {
            phase = .idle
            membership = nil
            retryAt = nil
            lost = []
            stage.shards = []
            stage.counters.release()
            endWait()
        }
        guard !stage.shards.isEmpty else { return }
        log.info("giving back \(stage.leadTopic) partitions \(stage.shards.map(\.partition))")
        let isDelivered = deliverBeforeLeaving(isLost: isLost)
        notePositions()
        if isDelivered {
            for shard in stage.shards where shard.isServing {
                parked[shard.partition] = (shard, delivery.deliveredMark)
            }
        }
        dropInputs()
    }

    /// - Returns: whether shards are as the log has them; otherwise they are ahead of it.
    private func deliverBeforeLeaving(isLost: Bool) -> Bool {
        let isIdle = delivery.isIdle && batchStart == nil
        guard !isLost, !hasEnded, failure == nil, case .serving = phase, !isIdle else {
            // What was refused while restoring is no batch yet: who restores next refuses it again.
            abandon()
            return isIdle
        }
        do throws(KafkaError) {
            if try drain(within: WorkerLimits.drain) { return true }
            log.warning("not all was delivered in time: it is computed again")
        } catch {
            log.warning("\(error)")
            failure = failure ?? error
        }
        abandon()
        return false
    }

    func dropInputs() {
        for input in inputs.inputs { input.stop() }
        spareBatches += inputs.inputs.map(\.batch)
        inputs.replace(by: [])
    }

    func takeBatch() -> RecordBatch {
        spareBatches.popLast() ?? consumer.makeBatch(capacity: WorkerLimits.batchCapacity)
    }
}

// MARK: - From an assignment to serving it

extension Worker {
    /// Waits until all that predecessors began is decided, then begins to read what they said.
    ///
    /// A predecessor may stand still with a transaction whose offsets were accepted and commit it
    /// later: only when the group's offsets are stable is that decided. Its markers may come to the
    /// topics later than to the group, so outputs are read to the end of all that is written, and
    /// not to the first end that a reader of committed records sees.
    ///
    /// - Returns: whether there is something to read now.
    func settle(_ partitions: [TopicPartition]) throws(KafkaError) -> Bool {
        guard try delivery.prepare(), try countPartitions() else {
            return false
        }
        let committed = try consumer.committed(partitions, within: DeliveryLimits.request)
        membership = try consumer.groupMetadata()
        let marks = Dictionary(
            committed.map { ($0.topicPartition, $0.metadata) }, uniquingKeysWith: { $1 })
        stage.shards = partitions.map { lead in
            if let own = parked[lead.partition], let mark = own.mark, mark == marks[lead] {
                return own.shard
            }
            let shard = stage.makeShard(lead.partition, counts)
            shard.committed = committed.first { $0.topicPartition == lead }?.offset
            return shard
        }
        stage.counters.partitions = stage.shards.map(\.partition)
        let sources = Set(
            stage.shards.filter { !$0.isServing }
                .flatMap { stage.ownOutputs(of: $0.partition, counts) })
        let ends = try ends(of: sources).filter { $1.low < $1.high }
        try consumer.assign(
            ends.map { TopicPartitionOffset($0, .at($1.low)) }, within: DeliveryLimits.request)
        phase = .restoring(
            consumer.queues.compactMap { queue in
                ends[queue.topicPartition].map { OwnOutput(queue, $0) }
            })
        parked = [:]
        return true
    }

    /// Asks how many partitions each topic has.
    ///
    /// - Returns: false while one does not exist.
    /// - Throws: when those of topics that belong together differ.
    private func countPartitions() throws(KafkaError) -> Bool {
        let together = [stage.leadTopic] + stage.copartitioned
        let names = together + stage.others
        let topics = try consumer.describe(names, within: DeliveryLimits.request)
        guard let missing = names.first(where: { topics[$0] == nil }) else {
            counts = PartitionCounts(byTopic: topics.mapValues(\.partitionCount))
            let differing = together.filter { counts[$0] != counts[stage.leadTopic] }
            guard let name = differing.first else { return true }
            throw workerRefusal(
                "\(stage.leadTopic) has \(counts[stage.leadTopic]) partitions and \(name) has "
                    + "\(counts[name]): they must be equal")
        }
        throw KafkaError(
            code: KafkaError.Code.unknownTopic, operation: "find topic \(missing)",
            isRetriable: true)
    }

    /// The beginnings and ends of partitions, records of undecided transactions included.
    private func ends(
        of sources: Set<TopicPartition>
    ) throws(KafkaError) -> [TopicPartition: Watermarks] {
        guard !sources.isEmpty else { return [:] }
        var uncommitted = clientConfiguration
        uncommitted.merge(["isolation.level": "read_uncommitted"])
        uncommitted.properties["group.instance.id"] = nil
        let reader = try clients.makeConsumer(uncommitted)
        defer { reader.close(owner: nil, within: .seconds(1)) }
        return try reader.watermarks(of: sources.sorted(), within: DeliveryLimits.request)
    }

    /// Reads own outputs, a bounded part at a time.
    ///
    /// - Returns: whether there may be more at once.
    func restore(from outputs: [OwnOutput]) throws(KafkaError) -> Bool {
        let batch = takeBatch()
        defer { spareBatches.append(batch) }
        var read = 0
        for output in outputs where !output.isRead {
            output.queue.drain(into: batch)
            if let fault = batch.hasFailures ? batch.failures.first : nil { throw fault.error }
            for index in 0..<batch.count { stage.restore(batch[index], from: output.source) }
            output.note(batch)
            read += batch.count
        }
        batch.release()
        guard outputs.allSatisfy(\.isRead) else { return read > 0 }
        let new = stage.shards.filter { !$0.isServing }
        for shard in new { try stage.conclude(shard, counts) }
        if !new.isEmpty { stage.counters.restores += 1 }
        phase = .opening
        return true
    }

    /// Begins to read the inputs of all shards, each from where it is.
    ///
    /// - Returns: that there is something to read now.
    func readInputs() throws(KafkaError) -> Bool {
        try assign(stage.inputs(counts))
        let moment = now()
        for shard in stage.shards { shard.appliedAt = moment }
        phase = .serving
        return true
    }

    private func assign(_ plans: [InputPlan]) throws(KafkaError) {
        try consumer.assign(
            plans.map { plan in
                TopicPartitionOffset(plan.source, plan.start.map { .at($0) } ?? .beginning)
            }, within: DeliveryLimits.request)
        dropInputs()
        inputs.replace(
            by: plans.compactMap { plan in
                consumer.queue(of: plan.source).map {
                    Input(plan, queue: $0, batch: takeBatch())
                }
            })
    }

    // MARK: Positions that are gone

    func handle(_ fault: PartitionFailure, of input: Input) {
        let codes = [KafkaError.Code.offsetReset, KafkaError.Code.offsetOutOfRange]
        guard codes.contains(fault.error.code) else {
            log.error("\(fault.error)")
            return
        }
        stage.counters.offsetResets += 1
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
    ///
    /// - Returns: that there is something to read now.
    func readLostAgain() throws(KafkaError) -> Bool {
        notePositions()
        for shard in stage.shards {
            for source in lost { shard.positions[source] = nil }
        }
        try assign(stage.inputs(counts))
        lost = []
        return true
    }
}
