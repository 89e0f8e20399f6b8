import Kafka

/// At-least-once: outputs, their acknowledgements, checkpoints, their acknowledgements, offsets.
///
/// Outputs go out as they come, those of one window under one delivery tag while the next window is
/// filled under the other, so that waiting for acknowledgements does not stop the stream. Only
/// alerts do: what came with them goes out when they are acknowledged. A requirement that is there
/// says that its alert is, because a worker is restored from the requirement and would not send the
/// alert again; the other way round the alert comes twice.
final class AcknowledgedDelivery: Delivery {
    private struct Pending {
        var settlement: Settlement
        /// Of its outputs.
        var tag: Int
        var hasSentCheckpoints = false
    }

    private static let checkpointTag = 2
    private static let alertTag = 3
    static let tags = 4

    let effects = EffectBatch()
    let checkpoints = EffectBatch()
    private(set) var deliveredMark: String?
    private(set) var counts = DeliveryCounts()

    private let producer: any LogProducer
    private let consumer: any LogConsumer
    private let topics: [Producer.Topic]
    private let mayWait: () -> Bool
    private var tag = 0
    /// Whether the alerts among the effects are on their way, and the others wait for them.
    private var areAlertsSent = false
    /// Of the batch whose effects are not all sent yet.
    private var sealed: Settlement?
    private var pending: Pending?

    /// - Parameter mayWait: asked while the producer's queue is full; false gives up.
    init(
        producer: any LogProducer, consumer: any LogConsumer, topics: PipelineTopics,
        mayWait: @escaping () -> Bool
    ) throws(KafkaError) {
        self.producer = producer
        self.consumer = consumer
        self.mayWait = mayWait
        var handles: [Producer.Topic] = []
        for topic in OutputTopic.allCases {
            handles.append(try producer.topic(topic.name(in: topics)))
        }
        self.topics = handles
    }

    var isOpen: Bool { !areAlertsSent && sealed == nil }
    var canSeal: Bool { pending == nil && isOpen }
    var isIdle: Bool { pending == nil && sealed == nil }

    func prepare() throws(KafkaError) -> Bool { true }

    func takeEvents() -> [ClientEvent] { producer.takeEvents() }

    func seal(_ settlement: Settlement) throws(KafkaError) {
        sealed = settlement
        try sendEffects()
    }

    func spill(_ settlement: Settlement) throws(KafkaError) {
        try sendEffects()
        // A call waits as long as an undecided transaction may.
        var polls = DeliveryLimits.undecided / .milliseconds(10)
        while effects.count > 0 {
            guard polls > 0, mayWait() else { throw Self.givenUp }
            polls -= 1
            producer.poll(upTo: .milliseconds(10))
            for tag in 0..<Self.tags { try check(tag) }
            try sendEffects()
        }
    }

    func turn(within limit: Duration) throws(KafkaError) {
        try sendEffects()
        producer.poll(upTo: isIdle && isOpen ? .zero : limit)
        for tag in 0..<Self.tags { try check(tag) }
        try sendEffects()
        try settle()
    }

    /// Sends what there is, or, where there are alerts, those first and the others once they are
    /// acknowledged.
    private func sendEffects() throws(KafkaError) {
        if effects.hasAlerts {
            if !areAlertsSent {
                try send(effects, tag: Self.alertTag) { $0 == .alerts }
                areAlertsSent = true
            }
            try check(Self.alertTag)
            guard isAcknowledged(Self.alertTag) else { return }
        }
        try send(effects, tag: tag) { $0 != .alerts }
        effects.removeAll()
        areAlertsSent = false
        guard let settlement = sealed else { return }
        sealed = nil
        pending = Pending(settlement: settlement, tag: tag)
        tag = 1 - tag
    }

    private static var givenUp: KafkaError {
        KafkaError(
            code: KafkaError.Code.queueFull, operation: "publish",
            reason: "the producer's queue stayed full, or its alerts unanswered, for too long")
    }

    /// Sends those of a batch that go to certain topics.
    private func send(
        _ batch: EffectBatch, tag: Int, where isMeant: (OutputTopic) -> Bool = { _ in true }
    ) throws(KafkaError) {
        var index = 0
        while index < batch.count {
            guard isMeant(batch.effects[index].topic) else {
                index += 1
                continue
            }
            do throws(KafkaError) {
                let admission = try batch.produce(index, by: producer, topics: topics, tag: tag)
                if admission == .queued {
                    index += 1
                    continue
                }
            } catch {
                guard error.code == KafkaError.Code.messageTooLarge, batch.shorten(index)
                else { throw error }
                continue
            }
            // Backpressure: the queue's bound is the memory's bound.
            producer.poll(upTo: .milliseconds(10))
            guard mayWait() else { throw Self.givenUp }
        }
    }

    private func check(_ tag: Int) throws(KafkaError) {
        let deliveries = producer.deliveries(tag: tag)
        guard deliveries.failed > 0 else { return }
        throw KafkaError(
            code: deliveries.lastFailureCode,
            operation: "deliver \(deliveries.failed) outputs")
    }

    /// Takes the pending batch one step further when what it waits for has come.
    private func settle() throws(KafkaError) {
        guard let batch = pending else { return }
        if !batch.hasSentCheckpoints {
            guard isAcknowledged(batch.tag) else { return }
            pending?.hasSentCheckpoints = true
            try send(checkpoints, tag: Self.checkpointTag)
            checkpoints.removeAll()
        }
        guard isAcknowledged(Self.checkpointTag) else { return }
        pending = nil
        deliveredMark = batch.settlement.mark
        counts.batches += 1
        try consumer.commitLater(batch.settlement.offsets)
    }

    private func isAcknowledged(_ tag: Int) -> Bool {
        guard producer.deliveries(tag: tag).outstanding == 0 else { return false }
        producer.resetDeliveries(tag: tag)
        return true
    }

    func abandon() {
        effects.removeAll()
        checkpoints.removeAll()
        areAlertsSent = false
        sealed = nil
        pending = nil
    }

    func close(within limit: Duration) -> Shutdown { producer.close(within: limit) }
}
