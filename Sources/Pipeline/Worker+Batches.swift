import Kafka

/// What is delivered together: when a batch ends, and what goes with it.
extension Worker {
    /// Ends the batch when its time is up, or at once when it is full or urgent.
    func sealIfDue() throws(KafkaError) {
        guard let start = batchStart, delivery.canSeal else { return }
        guard now() - start >= DeliveryLimits.window || isFull(effects) else { return }
        try seal()
    }

    /// Tells one worker's batch from all others.
    private func nextMark() -> String {
        batchNumber += 1
        return "\(name.instance).\(name.thread).\(name.start).\(batchNumber)"
    }

    private func seal() throws(KafkaError) {
        guard let membership else { return }
        notePositions()
        stage.writeCheckpoints(counts, into: delivery.checkpoints)
        for shard in stage.shards { shard.hasProgress = false }
        let mark = nextMark()
        try delivery.seal(
            Settlement(offsets: leadPositions(mark), membership: membership, mark: mark))
        batchStart = nil
    }

    /// Delivers what a record has caused so far. Positions stay where they were before it.
    func spill() -> Bool {
        guard let membership, failure == nil else { return false }
        let mark = nextMark()
        do throws(KafkaError) {
            try delivery.spill(
                Settlement(offsets: leadPositions(mark), membership: membership, mark: mark))
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// Tells each shard how far its inputs are; what is read again for another sets none back.
    func notePositions() {
        for input in inputs.inputs {
            guard let next = input.nextOffset else { continue }
            if let slot = input.slot {
                stage.shards[slot].positions[input.source] = next
            } else {
                for shard in stage.shards {
                    shard.positions[input.source] = max(next, shard.positions[input.source] ?? 0)
                }
            }
        }
    }

    private func leadPositions(_ mark: String) -> [CommittedOffset] {
        stage.shards.map { shard in
            let source = TopicPartition(stage.leadTopic, shard.partition)
            return CommittedOffset(source, shard.positions[source] ?? 0, metadata: mark)
        }
    }

    /// Delivers all that was applied, as far as it can be done in a time.
    ///
    /// - Returns: whether nothing is left to deliver.
    func drain(within limit: Duration) throws(KafkaError) -> Bool {
        let end = now() + limit
        while true {
            if delivery.canSeal, batchStart != nil { try seal() }
            if delivery.isIdle, batchStart == nil { return true }
            try delivery.turn(within: .milliseconds(10))
            guard now() < end else { return delivery.isIdle && batchStart == nil }
        }
    }

    /// Forgets what was not delivered.
    func abandon() {
        delivery.abandon()
        batchStart = nil
    }
}
